"""Measured flights of a ball against simulated ones: starts and constants fitted.

A flight is explained by where it starts, how fast and with which spin; the constants
of `physics.Physics` are the same for all. Both are found by Levenberg's and
Marquardt's method, whose derivatives go through the simulator, bounces included.
"""

import csv
import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ttjax.geometry import fields_of_play as field
from ttjax.sim import physics as physics_
from ttjax.sim.physics import Ball, Physics

SHARED = (
    "drag_per_m",
    "magnus",
    "restitution",
    "restitution_loss_s_m",
    "friction",
)
"""The fields of `Physics` that `fit` fits, if not told otherwise."""

_UNIT = np.repeat([1.0, 5.0, 100.0], 3)
"""Of a start's position, velocity and spin, so that steps are of one size."""
_LIMIT = np.repeat([0.1, 0.2, 1.5], 3)
"""A step of the fit changes no more, in those units: spin would run away."""
_SPIN_PRIOR_M = 2e-3
"""100 rad/s of spin weigh as much as one position off by this."""
_CAP_M = 0.03
"""A flight that is off by more (RMS) is not heard about the shared constants."""
_BATCH = 8
"""So many flights are simulated at once."""
_SPINS = (None, 0.0, 150.0, -150.0)
"""Topspin, rad/s, from which starts are fitted; None: of the flight's curvature."""


@flax.struct.dataclass
class Flights:
    """n flights of m measured positions; the last one is repeated to fill up.

    seconds: since the first position. position_m: in the world, z from the floor.
    """

    seconds: Float[Array | np.ndarray, "*n m"]
    position_m: Float[Array | np.ndarray, "*n m 3"]
    known: Bool[Array | np.ndarray, "*n m"]

    def __getitem__(self, index) -> "Flights":
        """Some of the flights."""
        return jax.tree.map(lambda leaf: leaf[index], self)

    def __len__(self) -> int:
        """How many flights there are."""
        return len(self.known)


@dataclasses.dataclass(frozen=True)
class Fit:
    """What explains flights: the shared constants and how each flight starts.

    constants: fields of `Physics`, by name.
    error_m: measured to simulated position, at each moment; 0 where none is known.
    rms_m: of each flight, bounce included.
    """

    constants: Mapping[str, float]
    start: Ball
    error_m: Float[np.ndarray, "n m 3"]
    rms_m: Float[np.ndarray, " n"]

    @property
    def physics(self) -> Physics:
        """The constants as a simulator takes them."""
        return dataclasses.replace(Physics(), **self.constants)


def stack(seconds: Sequence[np.ndarray], position_m: Sequence[np.ndarray]) -> Flights:
    """Flights of any lengths, one array each, as a batch."""
    longest = max(len(each) for each in seconds)
    filled = [np.pad(s - s[0], (0, longest - len(s)), "edge") for s in seconds]
    places = [
        np.concatenate([p, np.repeat(p[-1:], longest - len(p), axis=0)])
        for p in position_m
    ]
    known = [np.arange(longest) < len(each) for each in seconds]
    return Flights(
        np.stack(filled).astype(np.float32),
        np.stack(places).astype(np.float32),
        np.stack(known),
    )


def read(directory: pathlib.Path) -> Flights:
    """The flights of a directory of CSV files `Timestamp,X,Y,Z`, by name.

    Seconds and metres; X across the table, Y along it, Z up from its surface.

    Raises:
        ValueError: there are none.
    """
    seconds, places = [], []
    for path in sorted(pathlib.Path(directory).glob("*.csv")):
        with path.open() as lines:
            rows = [
                [float(row[name]) for name in ("Timestamp", "X", "Y", "Z")]
                for row in csv.DictReader(lines)
            ]
        time, across, along, up = np.array(sorted(rows)).T
        seconds.append(time)
        places.append(np.stack([along, -across, up + field.TABLE_HEIGHT_M], axis=-1))
    if not seconds:
        raise ValueError(
            f"Flights are CSV files, {directory} holds none: name their directory."
        )
    return stack(seconds, places)


def simulate(
    physics: Physics, start: Ball, seconds: Float[Array | np.ndarray, " m"]
) -> Float[Array, "m 3"]:
    """Where a ball is at given moments, the first of which is its start's.

    Between two moments at most one contact is found: one sub-step leads from one to
    the next.
    """

    def body(ball, dt):
        ball, _ = physics_.substep(physics, ball, dt)
        return ball, ball.position

    return jax.lax.scan(
        body, start, jnp.diff(jnp.asarray(seconds), prepend=seconds[:1])
    )[1]


def made(
    rng: np.random.Generator, count: int, physics: Physics, noise_m: float
) -> tuple[Flights, Ball]:
    """Flights of the simulator, measured at 120 Hz with noise, and how they start.

    Each ball comes over the net from one side and bounces on the other.
    """
    starts = rng.uniform(
        [-1.4, -0.4, 1.15, 5.0, -0.8, 1.1, -40.0, -50.0, -60.0],
        [-1.2, 0.4, 1.2, 6.3, 0.8, 1.4, 40.0, 250.0, 60.0],
        (count, 9),
    )
    side = rng.choice([-1.0, 1.0], (count, 1))
    # Half of them turned by 180 degrees about the vertical.
    starts *= np.where(np.isin(np.arange(9) % 3, (0, 1)), side, 1.0)
    ball = Ball(*(jnp.asarray(v, jnp.float32) for v in np.split(starts, 3, axis=1)))
    seconds = jnp.tile(jnp.arange(66) / 120.0, (count, 1))
    run = jax.jit(jax.vmap(lambda start, at: simulate(physics, start, at)))
    position = np.asarray(run(ball, seconds))
    position = position + noise_m * rng.standard_normal(position.shape)
    return stack(list(np.asarray(seconds)), list(position)), ball


def _ball(start) -> Ball:
    start = start * jnp.asarray(_UNIT, jnp.float32)
    return Ball(start[:3], start[3:6], start[6:])


def _errors(names, start, values, flight: Flights):
    constants = dict(zip(names, values, strict=True))
    physics = dataclasses.replace(Physics(), **constants)
    found = simulate(physics, _ball(start), flight.seconds)
    return (found - flight.position_m) * flight.known[:, None]


def _residual(names, start, values, flight: Flights):
    error = _errors(names, start, values, flight).ravel()
    return jnp.concatenate([error, _SPIN_PRIOR_M * start[6:]])


def _batched(function):
    return jax.jit(
        lambda names, starts, values, flights: jax.vmap(
            lambda start, flight: function(names, start, values, flight)
        )(starts, flights),
        static_argnums=0,
    )


_all_errors = _batched(_errors)


@_batched
def _normal(names, start, values, flight):
    """Gauss's normal equations of start and constants, and the cost."""

    def residual(both):
        return _residual(names, both[:9], both[9:], flight)

    both = jnp.concatenate([start, values])
    value, slope = residual(both), jax.jacfwd(residual)(both)
    return slope.T @ slope, slope.T @ value, jnp.sum(value**2)


def _over_all(function, names, starts, values, flights: Flights) -> list[np.ndarray]:
    """In batches of one size: flights of any number share one compilation."""
    count, values = len(starts), jnp.asarray(values, jnp.float32)
    filled = np.minimum(np.arange(-(-count // _BATCH) * _BATCH), count - 1)
    found = []
    for at in filled.reshape(-1, _BATCH):
        batch = jnp.asarray(starts[at], jnp.float32)
        found.append(function(names, batch, values, flights[at]))
    joined = jax.tree.map(lambda *leaves: np.concatenate(leaves)[:count], *found)
    return [np.array(leaf, np.float64) for leaf in jax.tree.leaves(joined)]


def _equations(names, starts, values, flights) -> list[np.ndarray]:
    return _over_all(_normal, names, starts, values, flights)


def _damped(square, damping):
    diagonal = np.einsum("...ii->...i", square)
    extra = diagonal * np.asarray(damping)[..., None] + 1e-9
    return square + extra[..., None] * np.eye(square.shape[-1])


def _descend(names, starts, values, flights, steps: int):
    """Steps of each flight's start alone, none that makes it worse; and the cost."""
    damping = np.full(len(starts), 1e-2)
    held = _equations(names, starts, values, flights)
    for _ in range(steps):
        square, slope, cost = held
        own = _damped(square[:, :9, :9], damping)
        change = np.linalg.solve(own, slope[:, :9, None])[..., 0]
        tried = starts - np.clip(change, -_LIMIT, _LIMIT)
        found = _equations(names, tried, values, flights)
        better = found[2] < cost
        starts = np.where(better[:, None], tried, starts)
        for old, new in zip(held, found, strict=True):
            old[better] = new[better]
        damping = np.clip(np.where(better, 0.3, 8.0) * damping, 1e-7, 1e4)
    return starts, held[2]


def _guess(flight: Flights, constants: Mapping[str, float], topspin: float | None):
    """A parabola through the positions before the first bounce."""
    count = int(flight.known.sum())
    time, place = np.asarray(flight.seconds), np.asarray(flight.position_m)
    height = place[:count, 2] - field.TABLE_HEIGHT_M
    low = [
        n
        for n in range(5, count - 1)
        if height[n] <= min(height[n - 1], height[n + 1], 0.05)
    ]
    count = max(min([count, 30, *low]), 6)
    powers = np.stack([np.ones(count), time[:count], 0.5 * time[:count] ** 2], axis=-1)
    position, velocity, curve = np.linalg.lstsq(powers, place[:count], rcond=None)[0]
    if topspin is None:
        middle = velocity + 0.5 * time[count - 1] * curve
        speed = np.linalg.norm(middle)
        lift = curve + constants["drag_per_m"] * speed * middle
        lift[2] += 9.81
        spin = np.cross(middle, lift) / (constants["magnus"] * speed**2)
        spin *= min(1.0, 400.0 / np.linalg.norm(spin))
    else:
        spin = np.array([0.0, topspin * np.sign(velocity[0]), 0.0])
    return np.concatenate([position, velocity, spin]) / _UNIT


def _finish(names, starts, values, flights) -> Fit:
    (error,) = _over_all(_all_errors, names, starts, values, flights)
    count = np.asarray(flights.known).sum(axis=1)
    rms = np.sqrt((error**2).sum(axis=(1, 2)) / count)
    ball = jax.vmap(_ball)(jnp.asarray(starts, jnp.float32))
    return Fit(dict(zip(names, map(float, values), strict=True)), ball, error, rms)


def explain(flights: Flights, constants: Mapping[str, float], steps: int = 10) -> Fit:
    """Only the starts are fitted: from several spins, the best of which is kept.

    steps: of each fit.
    """
    names, values = tuple(constants), np.array(list(constants.values()))
    starts, cost = np.zeros((len(flights), 9)), np.full(len(flights), np.inf)
    for spin in _SPINS:
        each = [_guess(flights[n], constants, spin) for n in range(len(flights))]
        found, costs = _descend(names, np.stack(each), values, flights, steps // 2)
        starts = np.where((costs < cost)[:, None], found, starts)
        cost = np.minimum(costs, cost)
    starts, _ = _descend(names, starts, values, flights, steps)
    return _finish(names, starts, values, flights)


def defaults(names: Sequence[str] = SHARED) -> dict[str, float]:
    """Constants by name, as `Physics` has them."""
    return {name: float(getattr(Physics(), name)) for name in names}


def fit(
    flights: Flights, constants: Mapping[str, float] | None = None, steps: int = 12
) -> Fit:
    """Starts and shared constants together.

    constants: those to fit, from these values; `defaults()`, if not given.
    steps: of the shared constants, and of the starts before and after.
    """
    constants = defaults() if constants is None else constants
    names, values = tuple(constants), np.array(list(constants.values()))
    ball = explain(flights, constants, steps).start
    starts = np.concatenate([ball.position, ball.velocity, ball.spin], axis=1) / _UNIT
    cap = _CAP_M**2 * np.asarray(flights.known).sum(axis=1)
    damping = 1e-2
    starts, cost = _descend(names, starts, values, flights, 0)
    for _ in range(steps):
        moved = _together(names, starts, values, flights, cost < cap, damping)
        tried, tried_values = moved
        tried, tried_cost = _descend(names, tried, tried_values, flights, 1)
        if np.minimum(tried_cost, cap).sum() < np.minimum(cost, cap).sum():
            starts, values, cost = tried, tried_values, tried_cost
            damping *= 0.3
        else:
            damping *= 10.0
    found = dict(zip(names, map(float, values), strict=True))
    return explain(flights, found, steps)


def _together(names, starts, values, flights, heard, damping: float):
    """A step of both; the starts are eliminated by Schur's complement."""
    square, slope, _ = _equations(names, starts, values, flights)
    damped = np.full(len(starts), damping)
    own = _damped(square[:, :9, :9], damped)
    mixed, common = square[:, :9, 9:], square[:, 9:, 9:]
    back = np.linalg.solve(own, np.concatenate([mixed, slope[:, :9, None]], axis=2))
    left = common - np.einsum("nij,nik->njk", mixed, back[..., :-1])
    right = slope[:, 9:] - np.einsum("nij,ni->nj", mixed, back[..., -1])
    total = _damped(left[heard].sum(axis=0), damping)
    change = -np.linalg.solve(total, right[heard].sum(axis=0))
    moved = -back[..., -1] - back[..., :-1] @ change
    return starts + np.clip(moved, -_LIMIT, _LIMIT), values + change
