from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ttjax.samples import ABSENT, UNKNOWN, VISIBLE, Labels
from ttjax.ttnet import metrics
from ttjax.ttnet.arrays import Ball, Predictions

RNG = np.random.default_rng(0)
COUNT = 24
SOURCE = jnp.tile(jnp.array([[270, 480]], jnp.int32), (COUNT, 1))
NAMES = ("table", "humans")


def labels():
    state = RNG.choice([VISIBLE, ABSENT, UNKNOWN], (COUNT, 3), p=[0.6, 0.2, 0.2])
    return Labels(
        ball_xy_px=RNG.uniform(0, 270, (COUNT, 3, 2)).astype(np.float32),
        ball_state=state.astype(np.int8),
        event_offset=RNG.choice([0, 1, -2, 3, np.inf], (COUNT, 2)).astype(np.float32),
        event_known=RNG.uniform(size=(COUNT, 2)) > 0.2,
        masks=(RNG.uniform(size=(COUNT, 4, 6, 2)) > 0.5).astype(np.uint8),
        masks_known=RNG.uniform(size=(COUNT, 2)) > 0.3,
    )


def ball(truth):
    error = RNG.normal(0, 8, (COUNT, 2))
    return Ball(
        xy_px=jnp.array(truth.ball_xy_px[:, 1] + error, jnp.float32),
        probability=jnp.array(RNG.uniform(size=COUNT), jnp.float32),
        present=jnp.array(RNG.uniform(size=COUNT) > 0.3),
    )


TRUTH = labels()
GUESS: Any = Predictions(
    ball_global=ball(TRUTH),
    ball_local=ball(TRUTH),
    events=jnp.array(RNG.uniform(size=(COUNT, 2)), jnp.float32),
    masks=jnp.array(RNG.uniform(size=(COUNT, 4, 6, 2)), jnp.float32),
)


def event_truth():
    near = np.abs(TRUTH.event_offset) < 4
    steps = np.where(near, TRUTH.event_offset, 0)
    return np.where(near, np.cos(steps * np.pi / 8), 0)


def test_ball_metrics_are_those_of_a_loop():
    got = metrics.ball_metrics(GUESS.ball_global, TRUTH, SOURCE, ball_at=1)
    squares, hits, right = [], [], []
    for index in range(COUNT):
        state = TRUTH.ball_state[index, 1]
        present = bool(GUESS.ball_global.present[index])
        if state == UNKNOWN:
            continue
        right.append(present == (state == VISIBLE))
        if state != VISIBLE:
            continue
        xy = np.asarray(GUESS.ball_global.xy_px)[index]
        distance = np.linalg.norm(xy - TRUTH.ball_xy_px[index, 1])
        hits.append(distance <= metrics.CURVE_PCK_PX)
        if present:
            squares.append(distance**2)
    np.testing.assert_allclose(
        got["rmse_px"].compute(), np.sqrt(np.mean(squares)), rtol=1e-4
    )
    np.testing.assert_allclose(got["pck@10"].compute(), np.mean(hits), rtol=1e-5)
    np.testing.assert_allclose(got["presence"].compute(), np.mean(right), rtol=1e-5)


def test_event_metrics_need_every_output_right():
    got = metrics.event_metrics(GUESS.events, TRUTH)
    pce, spce = [], []
    for index in range(COUNT):
        if not TRUTH.event_known[index].all():
            continue
        p, t = np.asarray(GUESS.events)[index], event_truth()[index]
        pce.append(all((a >= 0.5) == (b >= 0.5) for a, b in zip(p, t, strict=True)))
        spce.append(all(abs(a - b) < 0.25 for a, b in zip(p, t, strict=True)))
    np.testing.assert_allclose(got["pce"].compute(), np.mean(pce), rtol=1e-5)
    np.testing.assert_allclose(got["spce"].compute(), np.mean(spce), rtol=1e-5)


def test_mask_metrics_are_iou_of_known_masks_per_class():
    got = metrics.mask_metrics(GUESS.masks, TRUTH, NAMES)
    for index, name in enumerate(NAMES):
        both = either = 0
        for b in range(COUNT):
            if TRUTH.masks_known[b, index]:
                p = np.asarray(GUESS.masks)[b, ..., index] >= 0.5
                t = TRUTH.masks[b, ..., index] > 0
                both, either = both + (p & t).sum(), either + (p | t).sum()
        np.testing.assert_allclose(
            got[f"{name}/iou"].compute(), both / either, rtol=1e-5
        )


def test_accumulators_name_heads_jit_and_skip_what_is_off():
    def made(guess):
        return metrics.accumulators(guess, TRUTH, SOURCE, ball_at=1, mask_names=NAMES)

    eager, jitted = made(GUESS), jax.jit(made)(GUESS)
    assert {"ball_local/pck@10", "events/pce", "masks/humans/iou"} <= set(eager)
    for name, accumulator in eager.items():
        np.testing.assert_allclose(
            accumulator.compute(), jitted[name].compute(), rtol=1e-5
        )
    only = made(Predictions(events=GUESS.events))
    assert set(only) == {"events/pce", "events/spce"}
