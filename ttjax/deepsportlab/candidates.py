"""Points out of part intensity fields, without a map of the picture's resolution.

The density S of Eq. 3 (Ghasemzadeh et al., 2021) is asked for at the places that the
cells point to, and nowhere else: its peaks are close to where votes agree. Everything
has a fixed shape: f kinds of points with m votes and q places each.
"""

import dataclasses
import math

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ttjax.fields import splat

NEAR_CELLS = 0.75
"""A cell asks for S where it points to if that is within so many cells on both axes.

A point has one to four such cells, 2.25 on average. Of two points at least a cell apart
each keeps one of its own, also where every cell points to the nearer one.
"""


@flax.struct.dataclass
class Votes:
    """The most confident cells of each field.

    confidence: 0 where a field has fewer cells above the threshold.
    x_px, y_px: where they point to. near: that is close by, see `NEAR_CELLS`.
    overflow: a field had more cells above the threshold.
    """

    confidence: Float[Array, "*b f m"]
    x_px: Float[Array, "*b f m"]
    y_px: Float[Array, "*b f m"]
    sigma_px: Float[Array, "*b f m"]
    near: Bool[Array, "*b f m"]
    overflow: Bool[Array, "*b"]


@flax.struct.dataclass
class Candidates:
    """Places where a point may be, with their densities.

    score: S, 0 for an empty place. peak: no place of its kind nearby has more.
    overflow: there were more places than room.
    """

    x_px: Float[Array, "*b f q"]
    y_px: Float[Array, "*b f q"]
    score: Float[Array, "*b f q"]
    peak: Bool[Array, "*b f q"]
    overflow: Bool[Array, "*b"]

    def kinds(self, first: int, count: int) -> "Candidates":
        """The places of some kinds of points, of one picture."""
        of = slice(first, first + count)
        return dataclasses.replace(
            self,
            x_px=self.x_px[of],
            y_px=self.y_px[of],
            score=self.score[of],
            peak=self.peak[of],
        )


def logit(probability: float) -> Float[Array, ""]:
    """The logit of a threshold: logits keep an order that probabilities round away."""
    p = jnp.float32(probability)
    return jnp.log(p) - jnp.log1p(-p)


def votes(
    confidence: Float[Array, "h w f"],
    vector: Float[Array, "h w f 2"],
    log_scale: Float[Array, "h w f"],
    *,
    stride: float,
    density: splat.Splat,
    threshold: float,
    count: int,
) -> Votes:
    """The `count` most confident cells of each field whose confidence passes.

    confidence, vector, log_scale: as in `arrays.Pif`. Vectors and scales are kept to
    the size of the grid, so that no logit makes a place or a density infinite.
    stride: of the grid, in px.
    """
    h, w, f = confidence.shape
    longest = float(max(h, w))
    count = min(count, h * w)

    def flat(values: Float[Array, "h w f"]) -> Float[Array, "f c"]:
        return values.astype(jnp.float32).transpose(2, 0, 1).reshape(f, h * w)

    least = logit(threshold)
    logits = flat(confidence)
    # Without the many others the selection is four times as fast on CPUs.
    best, cell = jax.lax.top_k(jnp.where(logits > least, logits, -jnp.inf), count)

    def of_best(values: Float[Array, "h w f"], low: float, high: float):
        return jnp.take_along_axis(flat(values), cell, axis=1).clip(low, high)

    dx = of_best(vector[..., 0], -longest, longest)
    dy = of_best(vector[..., 1], -longest, longest)
    scale = jnp.exp(of_best(log_scale, -20.0, math.log(longest)))
    passes = best > least
    return Votes(
        confidence=jnp.where(passes, jax.nn.sigmoid(best), 0.0),
        x_px=((cell % w).astype(jnp.float32) + dx) * stride + 0.5,
        y_px=((cell // w).astype(jnp.float32) + dy) * stride + 0.5,
        sigma_px=density.sigma_px(scale * stride),
        near=passes & (jnp.abs(dx) <= NEAR_CELLS) & (jnp.abs(dy) <= NEAR_CELLS),
        overflow=((logits > least).sum(axis=1) > count).any(),
    )


def score(
    of: Votes,
    x_px: Float[Array, "f q"],
    y_px: Float[Array, "f q"],
    *,
    density: splat.Splat,
) -> tuple[Float[Array, "f q"], Float[Array, "f q"], Float[Array, "f q"]]:
    """S at given places, and the mean x and y of the votes there: one mean shift."""
    dx = x_px[:, :, None] - of.x_px[:, None, :]
    dy = y_px[:, :, None] - of.y_px[:, None, :]
    kernel = density.kernel(dx * dx + dy * dy, of.sigma_px[:, None, :])
    weights = jnp.stack([jnp.ones_like(of.x_px), of.x_px, of.y_px], axis=-1)
    # A matrix product, as sums over the innermost axis are not vectorised on CPUs. At
    # full precision: the 10 bits of an accelerator's default are not enough for px.
    sums = jnp.einsum(
        "fqm,fmk->fqk",
        kernel,
        of.confidence[..., None] * weights,
        precision=jax.lax.Precision.HIGHEST,
    )
    total = sums[..., 0]
    some = total > 0.0
    mean = sums[..., 1:] / jnp.where(some, total, 1.0)[..., None]
    return (
        total,
        jnp.where(some, mean[..., 0], x_px),
        jnp.where(some, mean[..., 1], y_px),
    )


def find(
    of: Votes,
    *,
    density: splat.Splat,
    count: int,
    nms_radius_px: float,
    shifts: int = 1,
) -> Candidates:
    """The places that the most confident near cells point to, and their peaks.

    A place is a peak unless one of its kind within the radius has a higher score, or
    the same and comes first: all pairs at once, where a loop would take them in order.

    count: of places per kind. shifts: mean shifts that each place makes, for peaks
        between the places; one that lowers its score is not made.
    """
    count = min(count, of.near.shape[1])
    confidence, cell = jax.lax.top_k(jnp.where(of.near, of.confidence, 0.0), count)
    asked = confidence > 0.0
    x, y = (jnp.take_along_axis(a, cell, axis=1) for a in (of.x_px, of.y_px))
    height, mean_x, mean_y = score(of, x, y, density=density)
    for _ in range(shifts):
        shifted = score(of, mean_x, mean_y, density=density)
        better = shifted[0] >= height
        x, y = jnp.where(better, mean_x, x), jnp.where(better, mean_y, y)
        height = jnp.where(better, shifted[0], height)
        mean_x, mean_y = shifted[1], shifted[2]
    height = jnp.where(asked, height, 0.0)
    return Candidates(
        x_px=x,
        y_px=y,
        score=height,
        peak=asked & ~outdone(x, y, height, radius_px=nms_radius_px),
        overflow=(of.near.sum(axis=1) > count).any(),
    )


def outdone(
    x_px: Float[Array, "f q"],
    y_px: Float[Array, "f q"],
    height: Float[Array, "f q"],
    *,
    radius_px: float,
) -> Bool[Array, "f q"]:
    """Whether a place has a rival within the radius: higher, or as high and first."""
    dx = x_px[:, :, None] - x_px[:, None, :]
    dy = y_px[:, :, None] - y_px[:, None, :]
    index = jnp.arange(x_px.shape[1])
    first = (index[None, :] < index[:, None])[None]
    own, other = height[:, :, None], height[:, None, :]
    wins = (other > own) | ((other == own) & first)
    return (wins & (dx * dx + dy * dy <= radius_px * radius_px)).any(axis=2)
