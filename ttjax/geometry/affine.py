"""Affine maps of the plane, as 2x3 matrices: x -> map[:, :2] @ x + map[:, 2]."""

import jax.numpy as jnp
from jaxtyping import Array, Float

Affine = Float[Array, "2 3"]


def stretch(scale_xy: Float[Array, " 2"], shift_xy: Float[Array, " 2"]) -> Affine:
    """The map to scale * x + shift, axis by axis."""
    return jnp.concatenate([jnp.diag(scale_xy), shift_xy[:, None]], axis=1)


def turn(angle: Float[Array, ""], centre_xy: Float[Array, " 2"]) -> Affine:
    """A rotation about a point, in radians; from x towards y, clockwise as seen."""
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    matrix = jnp.stack([jnp.stack([cos, -sin]), jnp.stack([sin, cos])])
    shift = centre_xy - jnp.einsum("ij,j->i", matrix, centre_xy)
    return jnp.concatenate([matrix, shift[:, None]], axis=1)


def compose(outer: Affine, inner: Affine) -> Affine:
    """`inner` first, then `outer`."""
    matrix = jnp.einsum("ij,jk->ik", outer[:, :2], inner)
    return matrix.at[:, 2].add(outer[:, 2])


def inverse(of: Affine) -> Affine:
    """The map back; the determinant is not 0."""
    (a, b, x), (c, d, y) = of
    determinant = a * d - b * c
    back = jnp.stack([jnp.stack([d, -b]), jnp.stack([-c, a])]) / determinant
    shift = -jnp.einsum("ij,j->i", back, jnp.stack([x, y]))
    return jnp.concatenate([back, shift[:, None]], axis=1)


def apply(to: Affine, points: Float[Array, "*n 2"]) -> Float[Array, "*n 2"]:
    """The images of points."""
    moved = jnp.einsum("ij,...j->...i", to[:, :2], points)
    return moved + to[:, 2].reshape((1,) * (points.ndim - 1) + (2,))
