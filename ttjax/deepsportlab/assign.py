"""Pixels and points find their players."""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32

from ttjax.deepsportlab import candidates, dense
from ttjax.fields import grouping

PLAYER = 1
"""The class of `Outputs.semantic` that has instances."""


@flax.struct.dataclass
class Centres:
    """Centres of players, the highest first; a row is a player.

    overflow: there were more than rows.
    """

    x_px: Float[Array, "*b n"]
    y_px: Float[Array, "*b n"]
    score: Float[Array, "*b n"]
    present: Bool[Array, "*b n"]
    overflow: Bool[Array, "*b"]


@flax.struct.dataclass
class Pixels:
    """Whose the pixels of a map are.

    player: the row whose centre is nearest to where a pixel votes, whatever its class;
        negative: none. visible: the pixel shows a player.
    """

    player: Int32[Array, "*b hs ws"]
    visible: Bool[Array, "*b hs ws"]


@dataclasses.dataclass(frozen=True)
class PeakToMask:
    """A point is a peak of its kind, and belongs to the player of its pixel.

    The strongest of a player's peaks wins. So does the released code it.

    on_mask: the pixel must show a player as well; otherwise it only votes for one.
    """

    on_mask: bool = False

    def places(
        self,
        peaks: candidates.Candidates,
        maps: Float[Array, "f h w"] | None,
        mask: Int32[Array, "h w"] | None,
        *,
        players: int,
    ) -> candidates.Candidates:
        """The places to choose from: the peaks."""
        return peaks

    def choose(
        self,
        places: candidates.Candidates,
        player: Int32[Array, "f q"],
        visible: Bool[Array, "f q"],
        of: Centres,
        area_px: Float[Array, " n"],
    ) -> tuple[Float[Array, "n f 2"], Float[Array, "n f"]]:
        """Each player's place of each kind, in px, and its score; 0: there is none.

        player, visible: of the pixel of each place. area_px: of the masks.
        """
        eligible = places.peak & visible if self.on_mask else places.peak
        return self._given(places, player, eligible, of, area_px)

    def _given(
        self,
        places: candidates.Candidates,
        player: Int32[Array, "f q"],
        eligible: Bool[Array, "f q"],
        of: Centres,
        area_px: Float[Array, " n"],
    ) -> tuple[Float[Array, "n f 2"], Float[Array, "n f"]]:
        return strongest(places, player, eligible, players=len(area_px))


@dataclasses.dataclass(frozen=True)
class PeakToOwner(PeakToMask):
    """As `PeakToMask`, but of two peaks on one mask one may be of who is hidden there.

    Section 3.4 gives both to the player in front, who keeps the stronger: often that of
    the player behind. See `shared`.

    rival: the weaker peak has at least so much of the stronger one's score.
    """

    rival: float = 0.5

    def _given(
        self,
        places: candidates.Candidates,
        player: Int32[Array, "f q"],
        eligible: Bool[Array, "f q"],
        of: Centres,
        area_px: Float[Array, " n"],
    ) -> tuple[Float[Array, "n f 2"], Float[Array, "n f"]]:
        reach_px = 2.0 * jnp.sqrt(area_px)
        return shared(places, player, eligible, of, reach_px, rival=self.rival)


@dataclasses.dataclass(frozen=True)
class ArgmaxInMask:
    """A point is the highest place of its kind in the player's mask (section 3.4).

    It need not be a peak: a higher one nearby may be in another mask.
    """

    def places(
        self,
        peaks: candidates.Candidates,
        maps: Float[Array, "f h w"] | None,
        mask: Int32[Array, "h w"] | None,
        *,
        players: int,
    ) -> candidates.Candidates:
        """The places to choose from: all, or where there are maps their pixels.

        mask: the row of each pixel of the maps; negative: none.
        """
        if maps is None or mask is None:
            return peaks
        return dense.highest_in_masks(maps, mask, players=players)

    def choose(
        self,
        places: candidates.Candidates,
        player: Int32[Array, "f q"],
        visible: Bool[Array, "f q"],
        of: Centres,
        area_px: Float[Array, " n"],
    ) -> tuple[Float[Array, "n f 2"], Float[Array, "n f"]]:
        """Each player's place of each kind, in px, and its score; 0: there is none.

        player, visible: of the pixel of each place. area_px: of the masks.
        """
        return strongest(places, player, visible, players=len(area_px))


def centres(
    places: candidates.Candidates, *, players: int, threshold: float
) -> Centres:
    """The highest peaks above the threshold of the only kind of point in `places`."""
    passes = places.peak[0] & (places.score[0] > threshold)
    best, at = jax.lax.top_k(jnp.where(passes, places.score[0], 0.0), players)
    return Centres(
        x_px=places.x_px[0, at],
        y_px=places.y_px[0, at],
        score=best,
        present=best > 0.0,
        overflow=passes.sum() > players,
    )


def heat_centres(
    heat: Float[Array, "hs ws"],
    *,
    stride: float,
    players: int,
    threshold: float,
    side: int = 7,
) -> Centres:
    """Centres from Panoptic-DeepLab's map of logits: pixels that exceed a square.

    Cheng et al. (2020), section 3.1: keep a pixel if a `side` x `side` maximum leaves
    it as it is, and it passes the threshold.
    """
    w = heat.shape[1]
    heat = heat.astype(jnp.float32)
    highest = heat
    for window in ((side, 1), (1, side)):
        highest = jax.lax.reduce_window(
            highest, -jnp.inf, jax.lax.max, window, (1, 1), "SAME"
        )
    passes = ((heat == highest) & (heat > candidates.logit(threshold))).ravel()
    best, at = jax.lax.top_k(jnp.where(passes, heat.ravel(), -jnp.inf), players)
    x, y = (at % w).astype(jnp.float32), (at // w).astype(jnp.float32)
    # Of equal neighbours the first is the centre, or one player would be two.
    again = candidates.outdone(x[None], y[None], best[None], radius_px=side // 2)[0]
    return Centres(
        x_px=x * stride + 0.5,
        y_px=y * stride + 0.5,
        score=jax.nn.sigmoid(best),
        present=(best > -jnp.inf) & ~again,
        overflow=passes.sum() > players,
    )


def pixels(
    semantic: Float[Array, "hs ws c"],
    offset: Float[Array, "hs ws 2"],
    of: Centres,
    valid_hw: Int32[Array, " 2"],
    *,
    stride: float,
    max_distance_px: float | None,
) -> Pixels:
    """Whose each pixel is, by Eq. 4; what is not picture shows nobody."""
    h, w, _ = semantic.shape
    y = (jnp.arange(h) * stride + 0.5)[:, None]
    x = (jnp.arange(w) * stride + 0.5)[None, :]
    away = offset.astype(jnp.float32) * stride
    player = grouping.nearest(
        x + away[..., 1],
        y + away[..., 0],
        jnp.stack([of.x_px, of.y_px], axis=1),
        of.present,
        max_distance=max_distance_px,
    )
    is_picture = (y < valid_hw[0]) & (x < valid_hw[1])
    shows = jnp.argmax(semantic, axis=-1) == PLAYER
    return Pixels(player=player, visible=shows & is_picture & (player >= 0))


def areas(of: Pixels, *, players: int) -> Float[Array, " {players}"]:
    """Pixels of each player's mask."""
    row = jnp.where(of.visible, of.player, players).ravel()
    counted = jax.ops.segment_sum(
        jnp.ones(row.shape, jnp.float32), row, num_segments=players + 1
    )
    return counted[:players]


def enlarged(
    of: Pixels, image_hw: tuple[int, int], *, stride: float
) -> Int32[Array, "h w"]:
    """The row whose mask each pixel of the picture is in; negative: none."""
    h, w = image_hw
    rows = _nearest(jnp.arange(h) + 0.5, of.player.shape[0], stride)
    columns = _nearest(jnp.arange(w) + 0.5, of.player.shape[1], stride)
    mask = jnp.where(of.visible, of.player, grouping.ALONE)
    return mask[rows[:, None], columns[None, :]]


def at_places(
    of: Pixels, places: candidates.Candidates, *, stride: float
) -> tuple[Int32[Array, "f q"], Bool[Array, "f q"]]:
    """Player and visibility of the pixel nearest to each place."""
    h, w = of.player.shape
    at = (_nearest(places.y_px, h, stride), _nearest(places.x_px, w, stride))
    return of.player[at], of.visible[at]


def strongest(
    places: candidates.Candidates,
    player: Int32[Array, "f q"],
    eligible: Bool[Array, "f q"],
    *,
    players: int,
) -> tuple[Float[Array, "{players} f 2"], Float[Array, "{players} f"]]:
    """Each player's strongest eligible place of each kind: xy in px, and its score.

    Score 0 where there is none.
    """
    scores = _own_scores(places, player, eligible, players)
    return _xy(places, jnp.argmax(scores, axis=2)), jnp.max(scores, axis=2)


def shared(
    places: candidates.Candidates,
    player: Int32[Array, "f q"],
    eligible: Bool[Array, "f q"],
    of: Centres,
    reach_px: Float[Array, " n"],
    *,
    rival: float,
) -> tuple[Float[Array, "n f 2"], Float[Array, "n f"]]:
    """As `strongest`, after those in front gave those behind what is theirs.

    Where a player A has two places of a kind, the second at least `rival` times as
    strong as the first, and B, whose centre is the nearest to the two places of all
    others' and within A's `reach_px`, has none, B gets one of them. If c1 - c2 points
    as A - B does, for the centres A and B, then A gets c1: of both ways to pair them
    that is the one with the smaller sum of squared distances to where the joint is
    expected, wherever that is, as long as it is the same for both players.
    """
    n, f = len(reach_px), places.score.shape[0]
    scores = _own_scores(places, player, eligible, n)
    first, best = jnp.argmax(scores, axis=2), jnp.max(scores, axis=2)
    taken = jnp.arange(places.score.shape[1])[None, None] == first[..., None]
    rest = jnp.where(taken, 0.0, scores)
    second, next_best = jnp.argmax(rest, axis=2), jnp.max(rest, axis=2)
    first_xy, second_xy = _xy(places, first), _xy(places, second)

    centre_xy = jnp.stack([of.x_px, of.y_px], axis=1)
    middle = 0.5 * (first_xy + second_xy)
    apart = ((middle[:, :, None] - centre_xy[None, None]) ** 2).sum(axis=3)
    other = of.present[None, :] & ~jnp.eye(n, dtype=jnp.bool_)
    apart = jnp.where(other[:, None], apart, jnp.inf)
    behind = jnp.argmin(apart, axis=2)
    near = jnp.min(apart, axis=2) <= (reach_px * reach_px)[:, None]
    lacks = best[behind, jnp.arange(f)[None]] <= 0.0
    gives = near & lacks & (next_best > 0.0) & (next_best >= rival * best)
    along = centre_xy[:, None] - centre_xy[behind]
    swapped = gives & (((second_xy - first_xy) * along).sum(axis=2) > 0.0)

    kept = jnp.where(swapped, next_best, best)
    kept_xy = jnp.where(swapped[..., None], second_xy, first_xy)
    gift = jnp.where(gives, jnp.where(swapped, best, next_best), 0.0)
    gift_xy = jnp.where(swapped[..., None], first_xy, second_xy)
    gets = behind[None] == jnp.arange(n)[:, None, None]
    gifts = jnp.where(gets, gift[None], 0.0)
    giver, got = jnp.argmax(gifts, axis=1), jnp.max(gifts, axis=1)
    got_xy = gift_xy[giver, jnp.arange(f)[None]]
    has = got > 0.0
    return jnp.where(has[..., None], got_xy, kept_xy), jnp.where(has, got, kept)


def _own_scores(
    places: candidates.Candidates,
    player: Int32[Array, "f q"],
    eligible: Bool[Array, "f q"],
    players: int,
) -> Float[Array, "{players} f q"]:
    mine = eligible[None] & (player[None] == jnp.arange(players)[:, None, None])
    return jnp.where(mine, places.score[None], 0.0)


def _xy(
    places: candidates.Candidates, at: Int32[Array, "n f"]
) -> Float[Array, "n f 2"]:
    kind = jnp.arange(places.score.shape[0])[None]
    return jnp.stack([places.x_px[kind, at], places.y_px[kind, at]], axis=-1)


def _nearest(px: Float[Array, "*s"], size: int, stride: float) -> Int32[Array, "*s"]:
    """Along an axis of `size` pixels, the one nearest to a place in px."""
    index = jnp.floor((px - 0.5) / stride + 0.5)
    return jnp.clip(index, 0, size - 1).astype(jnp.int32)
