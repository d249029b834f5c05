"""Part intensity fields as maps of the picture's resolution: Eq. 3 to the letter.

What `candidates` asks for at some places, here at every pixel: to compare with, to look
at, and for `assign.ArgmaxInMask` as the paper words it. Not for speed.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32

from ttjax.deepsportlab import candidates
from ttjax.fields import splat

REACH_PX = 48
"""How far a truncated vote is drawn; the largest sigma of a player of 640 px is 34."""


def maps(
    of: candidates.Votes, image_hw: tuple[int, int], *, density: splat.Splat
) -> Float[Array, "f h w"]:
    """S at the centre of every pixel, from the given votes."""
    if density.truncate_sigma is None:
        return separable(of, image_hw, density=density)
    return windowed(of, image_hw, density=density)


def separable(
    of: candidates.Votes, image_hw: tuple[int, int], *, density: splat.Splat
) -> Float[Array, "f h w"]:
    """S of votes that are not truncated: sums of Gaussians in y times those in x."""
    h, w = image_hw
    steep = -0.5 / (of.sigma_px * of.sigma_px)[..., None]

    def profile(center: Float[Array, "f m"], size: int) -> Float[Array, "f m s"]:
        away = jnp.arange(size)[None, None] + 0.5 - center[..., None]
        return jnp.exp(steep * away * away)

    weight = of.confidence / density.normaliser
    return jnp.einsum(
        "fmh,fmw->fhw",
        weight[..., None] * profile(of.y_px, h),
        profile(of.x_px, w),
        precision=jax.lax.Precision.HIGHEST,
    )


def windowed(
    of: candidates.Votes,
    image_hw: tuple[int, int],
    *,
    density: splat.Splat,
    reach_px: int = REACH_PX,
) -> Float[Array, "f h w"]:
    """S of truncated votes, each drawn into the square of `reach_px` around it.

    One after the other: votes overlap, and adding into a slice in place is cheap.
    """
    h, w = image_hw
    f, m = of.confidence.shape
    side = 2 * reach_px + 1
    canvas = jnp.zeros((f, h + 2 * side, w + 2 * side), jnp.float32)
    grid = jnp.arange(side) - reach_px + 0.5

    def add(index: Int32[Array, ""], canvas: Float[Array, "f hc wc"]):
        field, vote = index // m, index % m
        x, y = of.x_px[field, vote], of.y_px[field, vote]
        # Clipped, a vote far outside of the picture lands in the margin.
        left = jnp.clip(jnp.floor(x), -reach_px - 1, w + reach_px).astype(jnp.int32)
        top = jnp.clip(jnp.floor(y), -reach_px - 1, h + reach_px).astype(jnp.int32)
        dx, dy = left + grid - x, top + grid - y
        squared = (dx * dx)[None, :] + (dy * dy)[:, None]
        sigma = of.sigma_px[field, vote][None, None]
        drawn = of.confidence[field, vote] * density.kernel(squared, sigma)
        at = (field, top + side - reach_px, left + side - reach_px)
        old = jax.lax.dynamic_slice(canvas, at, (1, side, side))
        return jax.lax.dynamic_update_slice(canvas, old + drawn[None], at)

    canvas = jax.lax.fori_loop(0, f * m, add, canvas)
    return canvas[:, side : side + h, side : side + w]


def beyond_reach(
    of: candidates.Votes, *, density: splat.Splat, reach_px: int = REACH_PX
) -> Bool[Array, ""]:
    """Whether a truncated vote is wider than what `windowed` draws of it."""
    if density.truncate_sigma is None:
        return jnp.array(False)
    wide = density.truncate_sigma * of.sigma_px > reach_px
    return (wide & (of.confidence > 0.0)).any()


def peaks(
    dense: Float[Array, "f h w"],
    *,
    count: int,
    nms_radius_px: float,
    threshold: float,
) -> candidates.Candidates:
    """The highest pixels that no other in their square exceeds.

    They overflow where more than `count` are above the threshold.
    """
    f, h, w = dense.shape
    side = 2 * int(nms_radius_px) + 1
    highest = dense
    for window in ((1, side, 1), (1, 1, side)):
        highest = jax.lax.reduce_window(
            highest, -jnp.inf, jax.lax.max, window, (1, 1, 1), "SAME"
        )
    is_peak = ((dense == highest) & (dense > 0.0)).reshape(f, h * w)
    flat = dense.reshape(f, h * w)
    count = min(count, h * w)
    best, at = jax.lax.top_k(jnp.where(is_peak, flat, 0.0), count)
    x, y = (at % w).astype(jnp.float32) + 0.5, (at // w).astype(jnp.float32) + 0.5
    # Of equal neighbours the first is the peak, or one point would be two.
    again = candidates.outdone(x, y, best, radius_px=nms_radius_px)
    return candidates.Candidates(
        x_px=x,
        y_px=y,
        score=best,
        peak=(best > 0.0) & ~again,
        overflow=((is_peak & (flat > threshold)).sum(axis=1) > count).any(),
    )


def highest_in_masks(
    dense: Float[Array, "f h w"], player: Int32[Array, "h w"], *, players: int
) -> candidates.Candidates:
    """Per kind of point the highest pixel of each mask: a place per row of players.

    player: the row whose mask a pixel belongs to; negative: none.
    """
    f, h, w = dense.shape
    flat = dense.reshape(f, h * w)

    def of_row(row: Int32[Array, ""]):
        mine = jnp.where((player.reshape(1, h * w) == row), flat, 0.0)
        return mine.max(axis=1), mine.argmax(axis=1)

    best, at = jax.lax.map(of_row, jnp.arange(players))
    return candidates.Candidates(
        x_px=(at % w).astype(jnp.float32).T + 0.5,
        y_px=(at // w).astype(jnp.float32).T + 0.5,
        score=best.T,
        peak=best.T > 0.0,
        overflow=jnp.array(False),
    )
