"""Votes for a point become a density around it."""

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Float


@dataclasses.dataclass(frozen=True)
class Splat:
    """How much a vote counts at a distance: Eq. 3 of DeepSportLab (2021), in pixels.

    S(p) = sum over votes of confidence * exp(-d^2 / 2 sigma^2) / normaliser, where d is
    the distance from p to where the vote points and sigma = max(floor, half its scale).
    The paper has neither the normaliser nor the half nor the floor; its code has all
    three, and cuts every vote off at one sigma.

    normaliser: votes that a point gets at best: the cells that were trained on it.
    truncate_sigma: a vote counts only within so many sigmas; None is the formula.
    sigma_floor_px: the least sigma, in pixels.
    """

    normaliser: float = 16.0
    truncate_sigma: float | None = None
    sigma_floor_px: float = 1.0

    def __post_init__(self):
        """Checks that every number is positive.

        Raises:
            ValueError: one is not.
        """
        for name, value in dataclasses.asdict(self).items():
            if value is not None and not value > 0:
                raise ValueError(
                    f"Votes spread over a positive distance, got {name}={value}: "
                    "give a positive number."
                )

    def sigma_px(self, scale_px: Float[Array, "*s"]) -> Float[Array, "*s"]:
        """The standard deviation of a vote from the scale of its point, in pixels."""
        return jnp.maximum(self.sigma_floor_px, 0.5 * scale_px)

    def kernel(
        self, squared_px: Float[Array, "*#s"], sigma_px: Float[Array, "*#s"]
    ) -> Float[Array, "*#s"]:
        """What a vote of confidence 1 adds at a squared distance in px^2."""
        height = 1.0 / self.normaliser
        density = height * jnp.exp(squared_px * (-0.5 / (sigma_px * sigma_px)))
        if self.truncate_sigma is None:
            return density
        reach_px = self.truncate_sigma * sigma_px
        return jnp.where(squared_px <= reach_px * reach_px, density, 0.0)
