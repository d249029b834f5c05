"""Flight, bounce and net of a table tennis ball, at sub-steps of a video frame."""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ttjax.geometry import fields_of_play as field

SURFACE_Z_M = field.TABLE_HEIGHT_M + field.BALL_RADIUS_M
"""Height of the centre of a ball that lies on the table."""
CORD_Z_M = field.TABLE_HEIGHT_M + field.NET_HEIGHT_M
NET_HALF_M = field.TABLE_WIDTH_M / 2 + field.NET_OVERHANG_M


@dataclasses.dataclass(frozen=True)
class Physics:
    """Constants of the model.

    drag_per_m: deceleration / speed^2 = air density 1.2 * drag coefficient 0.45 * area
    / 2m.
    magnus: lift / |spin x velocity|, of a lift coefficient of 0.6 * spin ratio; 1.
    restitution, friction: of the ball on the table; `floor_restitution` on the floor.
    net_speed: share of the speed that the net returns; `cord_speed` that its upper
        edge leaves.
    """

    gravity_m_s2: float = 9.81
    drag_per_m: float = 0.126
    magnus: float = 0.0034
    restitution: float = field.BALL_RESTITUTION
    friction: float = 0.25
    floor_restitution: float = 0.65
    net_speed: float = 0.12
    cord_speed: float = 0.55
    substeps: int = 8


@flax.struct.dataclass
class Ball:
    """Position (m), velocity (m/s) and spin (rad/s) of a ball in the world."""

    position: Float[Array, "*n 3"]
    velocity: Float[Array, "*n 3"]
    spin: Float[Array, "*n 3"]


@flax.struct.dataclass
class Contacts:
    """What the ball touched or crossed during a step.

    table_speed: impact speed on the table, m/s, 0 without an impact.
    net: the ball's centre came to the plane of the net, above the cord or into it.
    touch: it touched the net.
    """

    table_speed: Float[Array, "*n"]
    floor: Bool[Array, "*n"]
    net: Bool[Array, "*n"]
    touch: Bool[Array, "*n"]


def energy(physics: Physics, ball: Ball) -> Float[Array, ""]:
    """Kinetic, rotational and potential energy per unit of mass, J/kg.

    The ball is a hollow sphere: its moment of inertia is 2/3 m r^2.
    """
    rotation = field.BALL_RADIUS_M**2 / 3 * jnp.sum(ball.spin**2)
    height = physics.gravity_m_s2 * ball.position[2]
    return 0.5 * jnp.sum(ball.velocity**2) + rotation + height


def _time_to_plane(height, speed, acceleration, dt):
    """Time until height + speed t + acceleration t^2 / 2 falls to 0; else inf."""
    root = jnp.sqrt(jnp.maximum(speed**2 - 2 * acceleration * height, 0.0))
    time = 2 * height / jnp.maximum(root - speed, 1e-6)
    after = height + speed * dt + 0.5 * acceleration * dt**2
    falls = (height >= -1e-4) & (after < 0.0)
    return jnp.where(falls, jnp.clip(time, 0.0, dt), jnp.inf)


def _bounce(ball: Ball, restitution, friction) -> Ball:
    """Impact on a horizontal plane: restitution along z, Coulomb friction along it.

    Friction acts against the slip of the contact point, at most until the ball rolls
    (2/5 of the slip of a hollow sphere).
    """
    velocity, spin = ball.velocity, ball.spin
    radius = field.BALL_RADIUS_M
    slip = jnp.stack([velocity[0] - radius * spin[1], velocity[1] + radius * spin[0]])
    slip_speed = jnp.sqrt(jnp.sum(slip**2) + 1e-12)
    limit = friction * (1 + restitution) * jnp.abs(velocity[2])
    change = -slip * jnp.minimum(limit / slip_speed, 0.4)
    turn = 1.5 / radius * jnp.stack([change[1], -change[0], jnp.zeros(())])
    after = jnp.concatenate([velocity[:2] + change, -restitution * velocity[2:]])
    return dataclasses.replace(ball, velocity=after, spin=spin + turn)


def substep(physics: Physics, ball: Ball, dt: float) -> tuple[Ball, Contacts]:
    """One sub-step of `dt` seconds with at most one contact.

    Gravity is integrated exactly; drag and lift act as constant over the sub-step.
    """
    position, velocity = ball.position, ball.velocity
    speed = jnp.sqrt(jnp.sum(velocity**2) + 1e-12)
    acceleration = (
        -physics.drag_per_m * speed * velocity
        + physics.magnus * jnp.cross(ball.spin, velocity)
        - physics.gravity_m_s2 * jnp.array([0.0, 0.0, 1.0])
    )

    def fly(ball, seconds):
        moved = ball.velocity * seconds + 0.5 * acceleration * seconds**2
        return dataclasses.replace(
            ball,
            position=ball.position + moved,
            velocity=ball.velocity + acceleration * seconds,
        )

    free = fly(ball, dt)
    middle = 0.5 * (position + free.position)
    above_table = (jnp.abs(middle[0]) <= field.TABLE_LENGTH_M / 2) & (
        jnp.abs(middle[1]) <= field.TABLE_WIDTH_M / 2
    )
    to_table = _time_to_plane(
        position[2] - SURFACE_Z_M, velocity[2], acceleration[2], dt
    )
    to_table = jnp.where(above_table, to_table, jnp.inf)
    to_floor = _time_to_plane(
        position[2] - field.BALL_RADIUS_M, velocity[2], acceleration[2], dt
    )
    on_table, on_floor = to_table <= dt, to_floor <= dt
    seconds = jnp.where(on_table, to_table, jnp.where(on_floor, to_floor, 0.0))
    impact = fly(ball, seconds)
    off_table = _bounce(impact, physics.restitution, physics.friction)
    off_floor = _bounce(impact, physics.floor_restitution, physics.friction)
    rebound = jax.tree.map(
        lambda table, floor: jnp.where(on_table, table, floor), off_table, off_floor
    )
    contact = on_table | on_floor
    rebound = fly(rebound, dt - seconds)
    # A ball that would sink again within the sub-step lies still on its plane.
    plane = jnp.where(on_table, SURFACE_Z_M, field.BALL_RADIUS_M)
    lies = rebound.position[2] < plane
    rebound = dataclasses.replace(
        rebound,
        position=rebound.position.at[2].set(jnp.maximum(rebound.position[2], plane)),
        velocity=rebound.velocity.at[2].multiply(jnp.where(lies, 0.0, 1.0)),
    )
    after = jax.tree.map(lambda a, b: jnp.where(contact, a, b), rebound, free)

    crosses = (position[0] * after.position[0] <= 0.0) & (position[0] != 0.0)
    height = after.position[2]
    over_table = (jnp.abs(after.position[1]) <= NET_HALF_M) & (
        height > field.TABLE_HEIGHT_M
    )
    touch = crosses & over_table & (height < CORD_Z_M + field.BALL_RADIUS_M)
    cord = height > CORD_Z_M - field.BALL_RADIUS_M
    vx, vy, vz = after.velocity
    stopped = jnp.stack(
        [-physics.net_speed * vx, physics.net_speed * vy, 0.5 * jnp.minimum(vz, 0.0)]
    )
    # The two shares of the lift are small enough that the cord never adds energy.
    clipped = jnp.stack(
        [
            physics.cord_speed * vx,
            physics.cord_speed * vy,
            0.3 * jnp.abs(vz) + 0.15 * jnp.abs(vx),
        ]
    )
    touched = dataclasses.replace(
        after,
        position=after.position.at[0].set(
            jnp.where(cord, after.position[0], position[0])
        ),
        velocity=jnp.where(cord, clipped, stopped),
        spin=0.3 * after.spin,
    )
    after = jax.tree.map(lambda a, b: jnp.where(touch, a, b), touched, after)
    contacts = Contacts(
        table_speed=jnp.where(on_table, jnp.abs(impact.velocity[2]), 0.0),
        floor=on_floor & ~on_table,
        net=crosses & over_table,
        touch=touch,
    )
    return after, contacts


def step(physics: Physics, ball: Ball, seconds: float) -> tuple[Ball, Contacts]:
    """`physics.substeps` sub-steps; contacts are those of any of them."""

    def body(ball, _):
        return substep(physics, ball, seconds / physics.substeps)

    ball, contacts = jax.lax.scan(body, ball, None, length=physics.substeps, unroll=2)
    return ball, Contacts(
        table_speed=contacts.table_speed.max(),
        floor=contacts.floor.any(),
        net=contacts.net.any(),
        touch=contacts.touch.any(),
    )
