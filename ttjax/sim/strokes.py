"""Serves and drives: where a stroke sends the ball, from random numbers in [0, 1)."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ttjax.geometry import fields_of_play as field
from ttjax.sim import physics as physics_
from ttjax.sim.physics import Ball, Physics

HALF_M = field.TABLE_LENGTH_M / 2
SIDE_M = field.TABLE_WIDTH_M / 2


def _between(low, high, uniform):
    return low + (high - low) * uniform


def drive(
    physics: Physics,
    start_m: Float[Array, " 3"],
    side: Float[Array, ""],
    uniform: Float[Array, " 8"],
) -> Ball:
    """A stroke by the player of `side` (-1 left, 1 right) from `start_m`.

    The ball is sent along a parabola through a point above the net to a point of the
    other half, corrected to first order for drag and spin. One stroke in seven is
    aimed at the cord or lower, one in twenty beyond the end line.
    """
    depth = _between(0.35, 1.28, uniform[0])
    depth = jnp.where(uniform[6] > 0.95, _between(1.45, 1.9, uniform[0]), depth)
    goal = jnp.stack(
        [
            -side * depth,
            _between(-0.85, 0.85, uniform[1]) * SIDE_M,
            jnp.float32(physics_.SURFACE_Z_M),
        ]
    )
    clearance = 0.02 + 0.2 * uniform[2] ** 2
    clearance = jnp.where(
        uniform[3] < 0.14, _between(-0.1, 0.025, uniform[2]), clearance
    )
    over = physics_.CORD_Z_M + field.BALL_RADIUS_M + clearance
    share = jnp.clip(start_m[0] / (start_m[0] - goal[0]), 0.05, 0.95)
    line = start_m[2] + (goal[2] - start_m[2]) * share
    spin_rate = _between(-60.0, 380.0, uniform[4])
    distance = jnp.sqrt(jnp.sum((goal - start_m)[:2] ** 2))
    fall = physics.gravity_m_s2
    for _ in range(2):
        rise = jnp.maximum(over - line, 0.012)
        seconds = jnp.sqrt(2 * rise / (fall * share * (1 - share)))
        seconds = jnp.clip(seconds, 0.16, 1.1)
        fall = physics.gravity_m_s2 + physics.magnus * spin_rate * distance / seconds
    # Drag slows the ball by exp(-k d) on the way: it must start faster by the half.
    faster = 1 + 0.5 * physics.drag_per_m * distance
    velocity = (goal - start_m) / seconds * faster
    velocity = velocity.at[2].set(
        (goal[2] - start_m[2]) / seconds + 0.5 * fall * seconds
    )
    spin = jnp.stack([jnp.zeros(()), -side * spin_rate, 40 * (uniform[5] - 0.5)])
    return Ball(position=start_m, velocity=velocity, spin=spin)


def serve(
    physics: Physics, side: Float[Array, ""], uniform: Float[Array, " 8"]
) -> Ball:
    """A serve from `side`: first onto the own half, then over the net (Law 2.6.3)."""
    own = side * _between(0.75, 1.15, uniform[0])
    other = -side * _between(0.4, 1.15, uniform[1])
    rise_seconds = _between(0.46, 0.56, uniform[2])
    along = (other - own) / rise_seconds
    # Rolling on its own path, the ball loses no speed to the friction of the bounce.
    roll = 0.6 * along / field.BALL_RADIUS_M
    fall = physics.gravity_m_s2 + physics.magnus * roll * along
    impact = fall * rise_seconds / 2 / physics.restitution
    across = _between(-1.0, 1.0, uniform[3]) * 0.4 * SIDE_M
    height = _between(0.2, 0.32, uniform[4])
    down = jnp.sqrt(jnp.maximum(impact**2 - 2 * fall * height, 0.01))
    seconds = (impact - down) / fall
    speed = 1.06 * along
    start = jnp.stack([own - speed * seconds, across, physics_.SURFACE_Z_M + height])
    drift = _between(-0.6, 0.6, uniform[5])
    velocity = jnp.stack([speed, drift, -down])
    return Ball(start, velocity, jnp.stack([jnp.zeros(()), roll, jnp.zeros(())]))
