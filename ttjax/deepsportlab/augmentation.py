"""Random changes of a training example: picture, masks, boxes and points together."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, UInt8

from ttjax.augment import affine, colour
from ttjax.geometry import affine as plane
from ttjax.geometry.affine import Affine
from ttjax.samples import ABSENT, VISIBLE
from ttjax.scenes import BACKGROUND, MIRRORED, UNLABELLED, Scene, SceneLabels
from ttjax.typing import PRNGKey

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of R, G and B in a grey value (ITU-R BT.601)."""
_FOCUS_AT = (0.2, 0.8)
"""Where in the view a player or the ball comes to lie, as a share of its sides."""


@dataclasses.dataclass(frozen=True)
class Augment:
    """One draw per example; 0 is off.

    moved: share of the examples that are rescaled, turned and cropped, by one map.
    rescale: least and largest factor, log-uniform (the released range for COCO).
    rotation_deg: the angle is this times 2 Beta(2, 2) - 1, about the middle of the view
        (the released range for DeepSport).
    focus: shares of crops around a player, around the ball, and anywhere. Where the
        picture is smaller than the view, it lies anywhere in it.
    hflip: probability of a mirrored example, whose left joints become right ones.
    joint_jitter_px: joints and ball are moved by up to this on each axis.
    brightness, contrast, channel: each factor is uniform in 1 +- this.
    hue_deg: colours are turned about the grey axis by up to this. The released code
        has 36 degrees; off by default, as on a CPU it takes longer than all the rest.
    grayscale: probability of a picture in grey.
    fill: RGB of what no pixel of the picture covers.

    What is not covered is padding as in any other example: `BACKGROUND` in `ids` and
    plain in the picture, so that the network learns that nobody is there. In a picture
    that was moved it may be on any side, and `valid_hw` is the whole view.
    """

    moved: float = 1.0
    rescale: tuple[float, float] = (0.4, 2.0)
    rotation_deg: float = 8.0
    focus: tuple[float, float, float] = (0.5, 0.25, 0.25)
    hflip: float = 0.5
    joint_jitter_px: float = 0.5
    brightness: float = 0.1
    contrast: float = 0.1
    channel: float = 0.1
    hue_deg: float = 0.0
    grayscale: float = 0.01
    fill: tuple[int, int, int] = (124, 116, 104)

    def __post_init__(self):
        """Checks ranges and shares.

        Raises:
            ValueError: a factor that is not positive, or shares that are none.
        """
        low, high = self.rescale
        if not 0 < low <= high:
            raise ValueError(
                f"`rescale` is a range of positive factors, got {self.rescale}: give "
                "the least one first."
            )
        if min(self.focus) < 0 or not math.isclose(sum(self.focus), 1.0):
            raise ValueError(
                "`focus` holds the shares of players, ball and neither, which add up "
                f"to 1, got {self.focus}."
            )

    def one(self, key: PRNGKey, scene: Scene) -> Scene:
        """An unbatched, labelled scene, changed."""
        map_key, flip_key, colour_key, jitter_key = jax.random.split(key, 4)
        covered = None
        if self.moved or self.hflip:
            flip = jax.random.bernoulli(flip_key, self.hflip)
            before, chosen = jnp.asarray(scene.valid_hw), jnp.zeros((), bool)
            if self.moved:
                to_view, chosen = self._drawn(map_key, scene)
                scene, covered = moved(scene, to_view, flip, fill=self.fill)
            else:
                scene, covered = mirrored(scene, flip, fill=self.fill)
            # Where nothing happened the padding is still where `valid_hw` says.
            still = ~(chosen | flip)
            scene = dataclasses.replace(
                scene, valid_hw=jnp.where(still, before, scene.valid_hw)
            )
        if self.joint_jitter_px:
            labels = _jittered(jitter_key, scene.labels, self.joint_jitter_px)
            scene = dataclasses.replace(scene, labels=labels)
        image = self._coloured(colour_key, jnp.asarray(scene.image))
        if covered is not None:
            plain = jnp.array(self.fill, jnp.uint8)[None, None]
            image = jnp.where(covered[..., None], image, plain)
        return dataclasses.replace(scene, image=image)

    def _drawn(self, key: PRNGKey, scene: Scene) -> tuple[Affine, Bool[Array, ""]]:
        """A map of the picture's pixels to those of the view; whether it is chosen."""
        chosen_key, scale_key, angle_key, focus_key, place_key = jax.random.split(
            key, 5
        )
        labels: Any = scene.labels
        chosen = jax.random.bernoulli(chosen_key, self.moved)
        low, high = (math.log(factor) for factor in self.rescale)
        scale = jnp.exp(jax.random.uniform(scale_key, minval=low, maxval=high))
        scale = jnp.where(chosen, scale, 1.0)
        # The middle one of three uniform draws has the distribution Beta(2, 2).
        middle = jnp.sort(jax.random.uniform(angle_key, (3,)))[1]
        angle = jnp.deg2rad(self.rotation_deg) * (2.0 * middle - 1.0)
        angle = jnp.where(chosen, angle, 0.0)

        h, w = scene.image.shape[:2]
        view_wh = jnp.array([w, h], jnp.float32)
        picture_wh = jnp.asarray(scene.valid_hw)[::-1].astype(jnp.float32)
        at, focused = self._focus(focus_key, labels, picture_wh)
        share = jax.random.uniform(place_key, (2,))
        first, last = _FOCUS_AT
        share = jnp.where(focused, first + (last - first) * share, share)
        room = scale * picture_wh - view_wh
        corner = scale * at - share * view_wh
        corner = jnp.clip(corner, jnp.minimum(room, 0.0), jnp.maximum(room, 0.0))
        corner = jnp.where(chosen, corner, 0.0)
        crop = plane.stretch(jnp.stack([scale, scale]), -corner)
        return plane.compose(plane.turn(angle, 0.5 * view_wh), crop), chosen

    def _focus(
        self, key: PRNGKey, labels: Any, picture_wh: Float[Array, " 2"]
    ) -> tuple[Float[Array, " 2"], Bool[Array, ""]]:
        """A place in the picture, and whether it is somebody's or the ball's."""
        kind_key, row_key, place_key = jax.random.split(key, 3)
        draw = jax.random.uniform(kind_key)
        order = jax.random.uniform(row_key, labels.players.shape)
        row = jnp.argmax(jnp.where(labels.players, order, -1.0))
        box = labels.box_px[row]
        person = 0.5 * (box[:2] + box[2:])
        on_player = (draw < self.focus[0]) & labels.players.any()
        on_ball = (draw >= self.focus[0]) & (draw < self.focus[0] + self.focus[1])
        on_ball = on_ball & (labels.ball_state == VISIBLE)
        anywhere = jax.random.uniform(place_key, (2,)) * picture_wh
        at = jnp.where(on_ball, labels.ball_xy_px, anywhere)
        at = jnp.where(on_player, person, at)
        return jnp.clip(at, 0.0, picture_wh), on_player | on_ball

    def _coloured(
        self, key: PRNGKey, image: UInt8[Array, "h w 3"]
    ) -> UInt8[Array, "h w 3"]:
        gain_key, grey_key = jax.random.split(key)
        if self.brightness or self.contrast or self.channel or self.hue_deg:
            image = colour.gain(
                gain_key,
                image,
                brightness=self.brightness,
                contrast=self.contrast,
                channel=self.channel,
                hue_deg=self.hue_deg,
            )
        if self.grayscale:
            grey = jnp.round(image.astype(jnp.float32) @ jnp.asarray(_LUMA))
            grey = jnp.broadcast_to(grey[..., None].astype(jnp.uint8), image.shape)
            chosen = jax.random.bernoulli(grey_key, self.grayscale)
            image = jnp.where(chosen, grey, image)
        return image


def moved(
    scene: Scene,
    to_view: Affine,
    flip: Bool[Array, ""],
    *,
    fill: tuple[int, int, int] = (124, 116, 104),
) -> tuple[Scene, Bool[Array, "h w"]]:
    """An unbatched, labelled scene under a similarity of its pixels; what is covered.

    to_view: from a pixel of the picture to the view, which has the same size.
    flip: the view is mirrored afterwards, and left and right joints are swapped.

    Joints that leave the view, or were outside the picture, become `UNLABELLED`, a ball
    `ABSENT`; a row whose box leaves the view becomes empty. The box of a player keeps
    its proportions, that of a crowd holds its corners when it is turned. `ids` is
    resampled by the nearest pixel. The view is its own source.
    """
    h, w = scene.image.shape[:2]
    to_view = plane.compose(_mirror(w, flip), to_view)
    back = plane.inverse(to_view)
    labels: Any = scene.labels
    picture_wh = jnp.asarray(scene.valid_hw)[::-1].astype(jnp.float32)

    here = _middles(h, w)
    covered = _within(plane.apply(back, here), picture_wh)
    plain = jnp.array(fill, jnp.uint8)[None, None]
    padded = jnp.where(_within(here, picture_wh)[..., None], scene.image, plain)
    image = affine.warp(padded[None], back, out_hw=(h, w))[0]
    image = jnp.where(covered[..., None], image, plain)
    ids = affine.pick(labels.ids, back, out_hw=(h, w))
    ids = jnp.where(covered, ids, jnp.uint8(BACKGROUND))
    return _with(scene, image, ids, _shown(scene, to_view, flip)), covered


def mirrored(
    scene: Scene,
    flip: Bool[Array, ""],
    *,
    fill: tuple[int, int, int] = (124, 116, 104),
) -> tuple[Scene, Bool[Array, "h w"]]:
    """`moved` by nothing but the mirror: no pixel is resampled, which is faster."""
    h, w = scene.image.shape[:2]
    labels: Any = scene.labels
    picture_wh = jnp.asarray(scene.valid_hw)[::-1].astype(jnp.float32)
    covered = _within(_middles(h, w), picture_wh)
    plain = jnp.array(fill, jnp.uint8)[None, None]
    image = jnp.where(covered[..., None], scene.image, plain)
    ids = jnp.where(covered, labels.ids, jnp.uint8(BACKGROUND))
    image, ids, covered = jax.lax.cond(
        flip,
        lambda maps: jax.tree.map(lambda one: one[:, ::-1], maps),
        lambda maps: maps,
        (image, ids, covered),
    )
    return _with(scene, image, ids, _shown(scene, _mirror(w, flip), flip)), covered


def _middles(h: int, w: int) -> Float[Array, "h w 2"]:
    y, x = jnp.meshgrid(jnp.arange(h) + 0.5, jnp.arange(w) + 0.5, indexing="ij")
    return jnp.stack([x, y], axis=-1)


def _mirror(width: int, flip: Bool[Array, ""]) -> Affine:
    sign = jnp.where(flip, -1.0, 1.0)
    return plane.stretch(
        jnp.stack([sign, jnp.ones(())]),
        jnp.stack([jnp.where(flip, width, 0.0), 0.0 * sign]),
    )


def _with(scene: Scene, image: Array, ids: Array, labels: Any) -> Scene:
    """The view with its own pixels, its own source."""
    to_source = scene.to_source
    return dataclasses.replace(
        scene,
        image=image,
        valid_hw=jnp.array(image.shape[:2], jnp.int32),
        to_source=None if to_source is None else jnp.ones_like(to_source),
        labels=dataclasses.replace(labels, ids=ids),
    )


def _shown(scene: Scene, to_view: Affine, flip: Bool[Array, ""]) -> Any:
    """All labels but the pixels' ids, in the view."""
    h, w = scene.image.shape[:2]
    view_wh = jnp.array([w, h], jnp.float32)
    labels: Any = scene.labels
    picture_wh = jnp.asarray(scene.valid_hw)[::-1].astype(jnp.float32)

    def shown(points: Array) -> tuple[Array, Array]:
        """Where points come to lie, and whether that is in picture and view."""
        after = plane.apply(to_view, points)
        return after, _within(points, picture_wh) & _within(after, view_wh)

    joints_px, joints_shown = shown(labels.joints_px)
    state = jnp.where(joints_shown, labels.joint_state, jnp.int8(UNLABELLED))
    swap = np.array(MIRRORED)
    ball_px, ball_shown = shown(labels.ball_xy_px)
    gone = (labels.ball_state == VISIBLE) & ~ball_shown
    scale = jnp.sqrt(jnp.sum(to_view[:, 0] ** 2))
    box_px, box_shown = _boxes(labels.box_px, to_view, scale, labels.crowd, view_wh)
    return dataclasses.replace(
        labels,
        players=labels.players & box_shown,
        crowd=labels.crowd & box_shown,
        box_px=box_px,
        joints_px=jnp.where(flip, joints_px[:, swap], joints_px),
        joint_state=jnp.where(flip, state[:, swap], state),
        ball_xy_px=ball_px,
        ball_state=jnp.where(gone, jnp.int8(ABSENT), labels.ball_state),
        ball_diameter_px=labels.ball_diameter_px * scale,
    )


def _boxes(
    box_px: Float[Array, "n 4"],
    to_view: Affine,
    scale: Float[Array, ""],
    crowd: Bool[Array, " n"],
    view_wh: Float[Array, " 2"],
) -> tuple[Float[Array, "n 4"], Bool[Array, " n"]]:
    """Boxes in the view, and which of them reach into it."""
    low, high = box_px[:, :2], box_px[:, 2:]
    corners = [low, high, box_px[:, jnp.array([0, 3])], box_px[:, jnp.array([2, 1])]]
    turned = plane.apply(to_view, jnp.stack(corners, axis=1))
    first, last = turned.min(axis=1), turned.max(axis=1)
    middle = plane.apply(to_view, 0.5 * (low + high))
    half = 0.5 * scale * (high - low)
    shown = ((last >= 0) & (first < view_wh[None])).all(axis=-1)
    kept = jnp.concatenate([middle - half, middle + half], axis=-1)
    hull = jnp.concatenate([first, last], axis=-1)
    return jnp.where(crowd[:, None], hull, kept), shown


def _within(points: Float[Array, "*n 2"], size_wh: Float[Array, " 2"]) -> Array:
    size = size_wh.reshape((1,) * (points.ndim - 1) + (2,))
    return ((points >= 0) & (points < size)).all(axis=-1)


def _jittered(key: PRNGKey, labels: Any, most_px: float) -> SceneLabels:
    joint_key, ball_key = jax.random.split(key)

    def noise(key: PRNGKey, shape: tuple[int, ...]) -> Array:
        return jax.random.uniform(key, shape, minval=-most_px, maxval=most_px)

    return dataclasses.replace(
        labels,
        joints_px=labels.joints_px + noise(joint_key, labels.joints_px.shape),
        ball_xy_px=labels.ball_xy_px + noise(ball_key, (2,)),
    )
