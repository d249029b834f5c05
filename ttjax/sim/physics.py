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
DROP_SPEED_M_S = 2.43
"""At which a ball dropped from 30 cm meets the table: sqrt(2 * 9.81 * 0.3)."""
ROLLING = 0.4
"""Share of the slip of a hollow sphere after which it rolls."""

Constant = float | Float[Array, ""]
"""A number of the model: fixed, or traced where it is fitted."""


@flax.struct.dataclass
class Physics:
    """Constants of the model.

    Drag, Magnus force, restitution and friction of the ball on the table are those of
    70 measured flights (`ttjax.sim.flights`, `python -m bench.flights`, 2026-11-28);
    30 others are off by 0.7 cm (RMS, median).

    drag_per_m: deceleration / speed^2 = air density 1.2 * drag coefficient 0.54 * area
        / 2m.
    magnus: lift / |spin x velocity|, of a lift coefficient of 0.3 * spin ratio; 1.
    restitution: of the ball on the table at an impact of `DROP_SPEED_M_S`; it falls
        by `restitution_loss_s_m` with each m/s more.
    friction: of the ball on table and floor.
    net_restitution: of the mesh.
    cord_rate_per_s: at which the cord, which gives way, brakes what sinks into it.
    """

    gravity_m_s2: Constant = 9.81
    drag_per_m: Constant = 0.1524
    magnus: Constant = 0.00165
    restitution: Constant = 0.9596
    restitution_loss_s_m: Constant = 0.00854
    friction: Constant = 0.238
    floor_restitution: Constant = 0.65
    net_restitution: Constant = 0.12
    cord_rate_per_s: Constant = 200.0
    net_friction: Constant = 0.3
    substeps: int = flax.struct.field(pytree_node=False, default=8)

    @classmethod
    def laws(cls) -> "Physics":
        """The ball of Law 2.1.3: dropped from 30 cm onto the table it rises 23 cm."""
        return cls(restitution=field.BALL_RESTITUTION, restitution_loss_s_m=0.0)


@flax.struct.dataclass
class Ball:
    """Position (m), velocity (m/s) and spin (rad/s) of a ball in the world."""

    position: Float[Array, "*n 3"]
    velocity: Float[Array, "*n 3"]
    spin: Float[Array, "*n 3"]


@flax.struct.dataclass
class Contacts:
    """What the ball touched or crossed during a step, and when.

    Seconds count from the start of the step to the first such contact; inf without.

    table_speed: impact speed on the table, m/s, 0 without an impact.
    table_xy_m: where the ball's centre was at that impact; 0 without.
    net: the ball's centre came to the plane of the net above the table, or the net
        threw it back.
    touch: it touched the net, mesh or cord.
    """

    table_speed: Float[Array, "*n"]
    table_xy_m: Float[Array, "*n 2"]
    table_s: Float[Array, "*n"]
    floor: Bool[Array, "*n"]
    floor_s: Float[Array, "*n"]
    net: Bool[Array, "*n"]
    net_s: Float[Array, "*n"]
    touch: Bool[Array, "*n"]
    touch_s: Float[Array, "*n"]


def energy(physics: Physics, ball: Ball) -> Float[Array, ""]:
    """Kinetic, rotational and potential energy per unit of mass, J/kg.

    The ball is a hollow sphere: its moment of inertia is 2/3 m r^2.
    """
    rotation = field.BALL_RADIUS_M**2 / 3 * jnp.sum(ball.spin**2)
    height = physics.gravity_m_s2 * ball.position[2]
    return 0.5 * jnp.sum(ball.velocity**2) + rotation + height


def _cross(a, b):
    return jnp.stack(
        [
            a[1] * b[2] - a[2] * b[1],
            a[2] * b[0] - a[0] * b[2],
            a[0] * b[1] - a[1] * b[0],
        ]
    )


def restitution(physics: Physics, speed_m_s: Float[Array, ""]) -> Float[Array, ""]:
    """Share of an impact speed that the table returns, within [0.3, 0.98]."""
    faster = speed_m_s - DROP_SPEED_M_S
    return jnp.clip(
        physics.restitution - physics.restitution_loss_s_m * faster, 0.3, 0.98
    )


def acceleration(
    physics: Physics, velocity: Float[Array, " 3"], spin: Float[Array, " 3"]
) -> Float[Array, " 3"]:
    """Gravity, quadratic drag and Magnus force per unit of mass, m/s^2."""
    speed = jnp.sqrt(jnp.sum(velocity**2) + 1e-12)
    return (
        -physics.drag_per_m * speed * velocity
        + physics.magnus * _cross(spin, velocity)
        - physics.gravity_m_s2 * jnp.array([0.0, 0.0, 1.0])
    )


def _fly(physics: Physics, ball: Ball, seconds):
    """Free flight by the midpoint rule; gravity is integrated exactly.

    Returns the ball and the acceleration, constant over the flight.
    """
    first = acceleration(physics, ball.velocity, ball.spin)
    middle = ball.velocity + 0.5 * seconds * first
    constant = acceleration(physics, middle, ball.spin)
    return _ballistic(ball, constant, seconds), constant


def _ballistic(ball: Ball, constant, seconds) -> Ball:
    moved = ball.velocity * seconds + 0.5 * constant * seconds**2
    return dataclasses.replace(
        ball,
        position=ball.position + moved,
        velocity=ball.velocity + constant * seconds,
    )


def _time_to_plane(height, speed, constant, dt):
    """Time until height + speed t + constant t^2 / 2 falls to 0; else inf.

    A ball that an earlier contact let sink by less than its radius is at the plane.
    """
    root = jnp.sqrt(jnp.maximum(speed**2 - 2 * constant * height, 1e-12))
    time = 2 * height / jnp.maximum(root - speed, 1e-6)
    after = height + speed * dt + 0.5 * constant * dt**2
    falls = (height > -field.BALL_RADIUS_M) & (after < 0.0) & (after < height)
    return jnp.where(falls, jnp.clip(time, 0.0, dt), jnp.inf)


def _time_to_edge(offset, velocity, dt):
    """Time until |offset + velocity t| falls to the ball's radius; else inf."""
    along = jnp.sum(offset * velocity)
    outside = jnp.sum(offset**2) - field.BALL_RADIUS_M**2
    square = along**2 - jnp.sum(velocity**2) * outside
    root = jnp.sqrt(jnp.maximum(square, 1e-12))
    time = jnp.maximum(outside / jnp.maximum(root - along, 1e-6), 0.0)
    meets = (along < 0.0) & (square > 0.0) & (time < dt)
    return jnp.where(meets, time, jnp.inf)


def _impact(ball: Ball, normal, returned, friction) -> Ball:
    """Impact: a share returned along `normal`, Coulomb friction across it.

    Friction acts against the slip of the contact point, at most until the ball rolls.
    """
    speed = jnp.sum(ball.velocity * normal)
    radius = field.BALL_RADIUS_M
    slip = ball.velocity - speed * normal - radius * _cross(ball.spin, normal)
    slip_speed = jnp.sqrt(jnp.sum(slip**2) + 1e-12)
    limit = friction * (1 + returned) * jnp.abs(speed)
    change = -slip * jnp.minimum(limit / slip_speed, ROLLING)
    return dataclasses.replace(
        ball,
        velocity=ball.velocity - (1 + returned) * speed * normal + change,
        spin=ball.spin - 1.5 / radius * _cross(normal, change),
    )


def _table_contact(ball: Ball, constant, mean, dt):
    """Time and normal of a contact with the top of the table or its edge."""
    z = ball.position[2]
    to_plane = _time_to_plane(z - SURFACE_Z_M, ball.velocity[2], constant[2], dt)
    half = jnp.array([field.TABLE_LENGTH_M / 2, field.TABLE_WIDTH_M / 2])
    seconds = jnp.minimum(to_plane, dt)
    at = ball.position[:2] + mean[:2] * seconds
    above = (jnp.abs(at) <= half).all()
    # Beyond an edge the nearest point of the table lies on it; along it all is free.
    at = ball.position[:2] + mean[:2] * (0.5 * dt)
    beyond = at - jnp.clip(at, -half, half)
    across = jnp.append((beyond != 0.0).astype(jnp.float32), 1.0)
    edge = jnp.append(ball.position[:2] - jnp.clip(at, -half, half), 0.0)
    edge = (edge + jnp.array([0.0, 0.0, 1.0]) * (z - field.TABLE_HEIGHT_M)) * across
    to_edge = _time_to_edge(edge, mean * across, dt)
    met = edge + mean * across * jnp.minimum(to_edge, dt)
    valid = (jnp.abs(beyond).max() > 0.0) & (met[2] > 0.0)
    to_edge = jnp.where(valid, to_edge, jnp.inf)
    to_plane = jnp.where(above, to_plane, jnp.inf)
    normal = met / jnp.sqrt(jnp.sum(met**2) + 1e-12)
    up = jnp.array([0.0, 0.0, 1.0])
    normal = jnp.where(to_plane <= to_edge, up, normal)
    return jnp.minimum(to_plane, to_edge), normal


def _net_contact(ball: Ball, mean, dt):
    """Time and normal of a contact with the mesh or its cord, and which it was."""
    (x, y, z), (vx, vy, vz) = ball.position, mean
    side = jnp.where(x == 0.0, -jnp.sign(vx), jnp.sign(x))
    closing = -side * vx
    to_mesh = jnp.maximum(jnp.abs(x) - field.BALL_RADIUS_M, 0.0)
    to_mesh = to_mesh / jnp.maximum(closing, 1e-6)
    at = z + vz * jnp.minimum(to_mesh, dt)
    inside = (at <= CORD_Z_M) & (at > field.TABLE_HEIGHT_M)
    to_mesh = jnp.where(inside & (closing > 0.0) & (to_mesh < dt), to_mesh, jnp.inf)
    across = jnp.array([1.0, 0.0, 1.0])
    offset = jnp.stack([x, jnp.zeros(()), z - CORD_Z_M])
    to_cord = _time_to_edge(offset, mean * across, dt)
    met = offset + mean * across * jnp.minimum(to_cord, dt)
    to_cord = jnp.where(met[2] > 0.0, to_cord, jnp.inf)
    on_cord = to_cord < to_mesh
    normal = met / jnp.sqrt(jnp.sum(met**2) + 1e-12)
    normal = jnp.where(on_cord, normal, side * jnp.array([1.0, 0.0, 0.0]))
    seconds = jnp.minimum(to_mesh, to_cord)
    beside = jnp.abs(y + vy * jnp.minimum(seconds, dt)) > NET_HALF_M
    return jnp.where(beside, jnp.inf, seconds), normal, on_cord


def substep(physics: Physics, ball: Ball, dt: Constant) -> tuple[Ball, Contacts]:
    """One sub-step of `dt` seconds with at most one contact, at its exact time.

    Flight is integrated by the midpoint rule up to the contact and from there on.
    """
    free, constant = _fly(physics, ball, dt)
    mean = ball.velocity + 0.5 * dt * constant
    to_table, table_normal = _table_contact(ball, constant, mean, dt)
    to_floor = _time_to_plane(
        ball.position[2] - field.BALL_RADIUS_M, ball.velocity[2], constant[2], dt
    )
    to_net, net_normal, on_cord = _net_contact(ball, mean, dt)
    first = jnp.minimum(jnp.minimum(to_table, to_floor), to_net)
    contact = jnp.isfinite(first)
    on_net = contact & (to_net == first)
    on_table = contact & (to_table == first) & ~on_net
    on_floor = contact & ~on_net & ~on_table
    seconds = jnp.where(contact, first, 0.0)
    up = jnp.array([0.0, 0.0, 1.0])
    normal = jnp.where(on_net, net_normal, jnp.where(on_table, table_normal, up))
    met = _ballistic(ball, constant, seconds)
    speed = jnp.maximum(-jnp.sum(met.velocity * normal), 0.0)
    # The cord returns nothing: of the speed against it, some is left.
    left = -jnp.exp(-physics.cord_rate_per_s * (dt - seconds))
    returned = jnp.where(on_cord, left, physics.net_restitution)
    returned = jnp.where(on_table, restitution(physics, speed), returned)
    returned = jnp.where(on_floor, physics.floor_restitution, returned)
    friction = jnp.where(on_net, physics.net_friction, physics.friction)
    rebound, _ = _fly(physics, _impact(met, normal, returned, friction), dt - seconds)
    # A ball that would sink again within the sub-step lies still on its plane.
    flat = (on_table | on_floor) & (normal[2] > 0.999)
    plane = jnp.where(on_table, SURFACE_Z_M, field.BALL_RADIUS_M)
    plane = jnp.where(flat, plane, -jnp.inf)
    lies = rebound.position[2] < plane
    rebound = dataclasses.replace(
        rebound,
        position=rebound.position.at[2].set(jnp.maximum(rebound.position[2], plane)),
        velocity=rebound.velocity.at[2].multiply(jnp.where(lies, 0.0, 1.0)),
    )
    after = jax.tree.map(lambda a, b: jnp.where(contact, a, b), rebound, free)
    return after, _contacts(ball, after, met, (on_table, on_floor, on_net), first, dt)


def _contacts(ball: Ball, after: Ball, met: Ball, on, first, dt) -> Contacts:
    on_table, on_floor, on_net = on
    (x, y, z), (x_after, y_after, z_after) = ball.position, after.position
    share = x / jnp.where(x == x_after, 1.0, x - x_after)
    crosses = (x * x_after <= 0.0) & (x != 0.0) & (x != x_after)
    crosses &= jnp.abs(y + share * (y_after - y)) <= NET_HALF_M
    crosses &= z + share * (z_after - z) > field.TABLE_HEIGHT_M
    back = on_net & (met.velocity[0] * after.velocity[0] <= 0.0)
    never = jnp.float32(jnp.inf)
    net_s = jnp.minimum(
        jnp.where(crosses, share * dt, never), jnp.where(back, first, never)
    )
    return Contacts(
        table_speed=jnp.where(on_table, jnp.abs(met.velocity[2]), 0.0),
        table_xy_m=jnp.where(on_table, met.position[:2], 0.0),
        table_s=jnp.where(on_table, first, never),
        floor=on_floor,
        floor_s=jnp.where(on_floor, first, never),
        net=crosses | back,
        net_s=net_s,
        touch=on_net,
        touch_s=jnp.where(on_net, first, never),
    )


def track(
    physics: Physics, ball: Ball, seconds: Constant
) -> tuple[Ball, Float[Array, "substeps 3"], Contacts]:
    """`physics.substeps` sub-steps that last `seconds` in all.

    Returns the ball at the end, its position after each sub-step, and the contacts of
    any of them.
    """
    dt = seconds / physics.substeps

    def body(ball, _):
        ball, contacts = substep(physics, ball, dt)
        return ball, (ball.position, contacts)

    ball, (positions, contacts) = jax.lax.scan(
        body, ball, None, length=physics.substeps, unroll=2
    )
    starts = dt * jnp.arange(physics.substeps)
    landed = jnp.argmin(contacts.table_s + starts)
    return (
        ball,
        positions,
        Contacts(
            table_speed=contacts.table_speed.max(),
            table_xy_m=contacts.table_xy_m[landed],
            table_s=(contacts.table_s + starts).min(),
            floor=contacts.floor.any(),
            floor_s=(contacts.floor_s + starts).min(),
            net=contacts.net.any(),
            net_s=(contacts.net_s + starts).min(),
            touch=contacts.touch.any(),
            touch_s=(contacts.touch_s + starts).min(),
        ),
    )


def step(physics: Physics, ball: Ball, seconds: Constant) -> tuple[Ball, Contacts]:
    """`track` without the positions in between."""
    ball, _, contacts = track(physics, ball, seconds)
    return ball, contacts
