"""The velocity that sends a ball where it is aimed.

A few quasi-Newton steps through a coarse flight with drag and spin; a serve is led
back from its first bounce to the racket.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ttjax.geometry import fields_of_play as field
from ttjax.sim import physics as physics_
from ttjax.sim import strokes
from ttjax.sim.physics import Ball, Physics

FASTEST_S, SLOWEST_S = 0.16, 2.4
"""Of the flight to the aim."""
SERVE_S = (0.38, 0.8)
"""Of the second flight of a serve."""
COARSE, ROUNDS = 6, 7
"""Integration steps of a coarse flight; corrections of the velocity."""


def _coast(physics: Physics, ball: Ball, seconds: Float[Array, ""]):
    """A coarse flight: the ball at its end, and its height at the plane of the net."""
    dt = seconds / COARSE

    def pull(velocity):
        return physics_.acceleration(physics, velocity, ball.spin)

    def body(_, carry):
        position, velocity, at_net = carry
        # Runge and Kutta's fourth order: forces depend on the velocity alone.
        first = pull(velocity)
        second = pull(velocity + 0.5 * dt * first)
        third = pull(velocity + 0.5 * dt * second)
        last = pull(velocity + dt * third)
        mean = (first + second + third) / 3
        after = position + dt * velocity + 0.5 * dt**2 * mean
        faster = velocity + dt * (first + 2 * second + 2 * third + last) / 6
        moved = position[0] - after[0]
        share = jnp.clip(position[0] / jnp.where(moved == 0.0, 1.0, moved), 0.0, 1.0)
        then = share * dt
        height = position[2] + then * velocity[2] + 0.5 * then**2 * mean[2]
        crosses = position[0] * after[0] <= 0.0
        return after, faster, jnp.where(crosses, height, at_net)

    start = (ball.position, ball.velocity, jnp.float32(physics_.CORD_Z_M + 1.0))
    position, velocity, at_net = jax.lax.fori_loop(0, COARSE, body, start)
    return Ball(position, velocity, ball.spin), at_net


def _parabola_s(over_m, start_m, goal_m, fall):
    """Seconds of a parabola from start to goal that is `over_m` high at the net."""
    share = jnp.clip(start_m[0] / (start_m[0] - goal_m[0]), 0.05, 0.95)
    line = start_m[2] + (goal_m[2] - start_m[2]) * share
    rise = jnp.maximum(over_m - line, 0.012)
    return jnp.sqrt(2 * rise / (fall * share * (1 - share)))


def _correction(physics: Physics, mean: Ball, off_m, seconds):
    """Change of the velocity that moves the end of a flight by `off_m`, to first order.

    Drag and spin turn a small change w of the velocity by dw/dt = M w; it adds up to
    (exp(M t) - 1) / M w, here inverted to second order in M t.
    """
    speed = jnp.sqrt(jnp.sum(mean.velocity**2) + 1e-12)
    along = mean.velocity / speed

    def turn(change):
        slowed = change + jnp.sum(along * change) * along
        lifted = physics.magnus * jnp.cross(mean.spin, change)
        return lifted - physics.drag_per_m * speed * slowed

    wanted = off_m / seconds
    first = turn(wanted)
    return wanted - 0.5 * seconds * first + seconds**2 / 12 * turn(first)


def _bounced(physics: Physics, ball: Ball) -> Ball:
    """After an impact on the table, as in `physics`."""
    sinking = jnp.abs(ball.velocity[2])
    returned = physics_.restitution(physics, sinking)
    arm = field.BALL_RADIUS_M
    slip = ball.velocity[:2] + arm * jnp.stack([-ball.spin[1], ball.spin[0]])
    limit = physics.friction * (1 + returned) * sinking
    change = -slip * jnp.minimum(
        limit / jnp.sqrt(jnp.sum(slip**2) + 1e-12), physics_.ROLLING
    )
    turn = 1.5 / arm * jnp.stack([change[1], -change[0], jnp.zeros(())])
    velocity = jnp.append(ball.velocity[:2] + change, returned * sinking)
    return Ball(ball.position, velocity, ball.spin + turn)


def _shoot(physics: Physics, launch, gain, start_m, goal_m, over_m, limits_s, spin):
    """The velocity from which `launch` sends a ball to `goal_m`, and the time it takes.

    It passes the net at `over_m`, unless it then would take less or more time than
    `limits_s`. gain: change of the velocity for one of the launched ball, per axis.
    """
    fall = jnp.float32(physics.gravity_m_s2)
    distance = jnp.sqrt(jnp.sum((goal_m - start_m)[:2] ** 2))
    seconds = jnp.float32(0.4)
    for _ in range(2):
        seconds = jnp.clip(_parabola_s(over_m, start_m, goal_m, fall), *limits_s)
        fall = physics.gravity_m_s2 + physics.magnus * spin * distance / seconds
        fall = jnp.maximum(fall, 2.0)
    slowing = 1 + 0.5 * physics.drag_per_m * distance
    share = jnp.clip(start_m[0] / (start_m[0] - goal_m[0]), 0.05, 0.95)
    bend = share * (1 - share)
    velocity = (goal_m - start_m) / seconds * slowing
    velocity = velocity.at[2].set(
        (goal_m[2] - start_m[2]) / seconds + 0.5 * fall * seconds
    )

    def body(round_, carry):
        velocity, seconds = carry
        start = launch(velocity)
        flown, at_net = _coast(physics, start, seconds)
        # Twice the drop below a straight flight, over time squared.
        climbed = flown.position[2] - start.position[2]
        fall = 2 * (start.velocity[2] * seconds - climbed) / seconds**2
        fall = jnp.maximum(fall, 3.0)
        # Up and down cancel in the mean: what is left is the speed along the table.
        mean = Ball(start.position, 0.5 * (start.velocity + flown.velocity), start.spin)
        off = _correction(physics, mean, goal_m - flown.position, seconds)
        squared = seconds**2 + 2 * (over_m - at_net) / (fall * bend)
        longer = jnp.sqrt(jnp.maximum(squared, 1e-4))
        longer = jnp.clip(longer, 0.75 * seconds, 1.33 * seconds)
        longer = jnp.clip(longer, *limits_s)
        # The last rounds leave the time alone: where it lands matters most.
        longer = jnp.where(round_ < ROUNDS - 2, longer, seconds)
        ratio = seconds / longer
        level = (goal_m[2] - start_m[2]) * (1 / longer - 1 / seconds)
        climb = level + 0.5 * fall * (longer - seconds)
        moved = velocity / gain + off
        moved = jnp.stack([moved[0] * ratio, moved[1] * ratio, moved[2] + climb])
        return moved * gain, longer

    return jax.lax.fori_loop(0, ROUNDS, body, (velocity * gain, seconds))


def stroke(
    physics: Physics,
    start_m: Float[Array, " 3"],
    side: Float[Array, ""],
    aim: strokes.Aims,
) -> Ball:
    """The ball as it leaves the racket of the player of `side` (-1 left, 1 right)."""
    goal = jnp.stack(
        [-side * aim.depth_m, aim.across_m, jnp.float32(physics_.SURFACE_Z_M)]
    )
    over = physics_.CORD_Z_M + field.BALL_RADIUS_M + aim.clearance_m
    distance = jnp.sqrt(jnp.sum((goal - start_m)[:2] ** 2))
    up = jnp.sqrt(2 * jnp.maximum(aim.apex_m - start_m[2], 0.0) / physics.gravity_m_s2)
    down = jnp.maximum(aim.apex_m - goal[2], 0.0)
    down = jnp.sqrt(2 * down / physics.gravity_m_s2)
    least = jnp.maximum(distance / aim.speed_m_s, up + down)
    least = jnp.maximum(least, FASTEST_S)
    spin = jnp.stack([jnp.zeros(()), -side * aim.spin[0], aim.spin[1]])
    velocity, _ = _shoot(
        physics,
        lambda velocity: Ball(start_m, velocity, spin),
        jnp.ones(3),
        start_m,
        goal,
        over,
        (least, SLOWEST_S),
        aim.spin[0],
    )
    return Ball(start_m, velocity, spin)


def serve(physics: Physics, aim: strokes.Aims, uniform: Float[Array, " 3"]) -> Ball:
    """A serve from the right: first onto the own half, then over the net (Law 2.6.3).

    The ball as it leaves the racket. aim: of the second flight; its topspin in units
    of that of a ball that rolls.
    """
    own = strokes.between(strokes.SERVE_OWN_M, uniform[0])
    across = strokes.between(strokes.SERVE_ACROSS, uniform[1]) * strokes.SIDE_M
    height = strokes.between(strokes.SERVE_HEIGHT_M, uniform[2])
    surface = jnp.float32(physics_.SURFACE_Z_M)
    first = jnp.stack([own, across, surface])
    goal = jnp.stack([-aim.depth_m, aim.across_m, surface])
    over = physics_.CORD_Z_M + field.BALL_RADIUS_M + aim.clearance_m
    along = (own + aim.depth_m) / 0.5
    roll = -aim.spin[0] * along / field.BALL_RADIUS_M
    spin = jnp.stack([jnp.zeros(()), roll, aim.spin[1]])

    def launch(velocity):
        return _bounced(physics, Ball(first, velocity, spin))

    returned = physics_.restitution(physics, jnp.float32(3.0))
    gain = jnp.stack([jnp.float32(1.1), jnp.float32(1.1), -1 / returned])
    velocity, _ = _shoot(physics, launch, gain, first, goal, over, SERVE_S, -roll * 0.5)
    # Back from the bounce to the racket.
    sinking, fall = -velocity[2], physics.gravity_m_s2
    height = jnp.minimum(height, 0.47 * sinking**2 / fall)
    slow = jnp.sqrt(jnp.maximum(sinking**2 - 2 * fall * height, 1e-4))
    before, _ = _coast(physics, Ball(first, velocity, spin), (slow - sinking) / fall)
    return before


def mirrored(ball: Ball, side: Float[Array, ""]) -> Ball:
    """A ball of the right side (1) as it is, or as that of the left one (-1).

    Spin is a pseudo-vector: a mirror turns its components within the plane.
    """
    flip = jnp.stack([side, jnp.ones(()), jnp.ones(())])
    return Ball(ball.position * flip, ball.velocity * flip, ball.spin * flip * side)


def toss_m_s(physics: Physics, seconds: Float[Array, ""]) -> Float[Array, ""]:
    """The speed at which a ball is thrown up that is back after `seconds`.

    Drag acts against the speed g (t/2 - s): to first order it costs k g^2 t^4 / 32.
    """
    fall = physics.gravity_m_s2
    return fall * seconds / 2 + physics.drag_per_m * fall**2 * seconds**3 / 32
