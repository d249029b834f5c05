import dataclasses
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.losses.term import reduce
from ttjax.samples import ABSENT, UNKNOWN, VISIBLE, Clip, FramePool, Labels, Window
from ttjax.task import Evaluator
from ttjax.task import Task as Contract
from ttjax.ttnet import config as configs
from ttjax.ttnet.arrays import Ball, Predictions
from ttjax.ttnet.augmentation import Augment
from ttjax.ttnet.losses import Losses
from ttjax.ttnet.task import Crops, Task

CONFIG = configs.nano(
    window=Window(3), frame_hw=(64, 64), crop_hw=(64, 64), canvas_margin=(32, 32)
)
TASK = Task(CONFIG, crops=Crops(jitter=0.05, forced_until=0.2, own_from=0.6))
COUNT = 6
CANVAS_XY = np.array([[200, 100]] * COUNT, np.int32)


def clips(count=COUNT):
    """Random pixels; one bright column per canvas marks where the ball is."""
    rng = np.random.default_rng(0)
    ball = np.repeat(np.linspace([240, 140], [300, 190], count)[:, None], 3, axis=1)
    canvas = rng.integers(0, 100, (count, 3, 128, 128, 3)).astype(np.uint8)
    for index in range(count):
        canvas[index, :, :, int(ball[index, 0, 0]) - 200] = 255
    return Clip(
        frames=rng.integers(0, 255, (count, 3, 64, 64, 3)).astype(np.uint8),
        canvas=canvas,
        canvas_xy=CANVAS_XY[:count],
        source_hw=np.tile(np.array([[480, 640]], np.int32), (count, 1)),
        labels=Labels(
            ball_xy_px=ball.astype(np.float32),
            ball_state=np.full((count, 3), VISIBLE, np.int8),
            event_offset=np.tile(np.array([[0, np.inf]], np.float32), (count, 1)),
            event_known=np.ones((count, 2), bool),
            masks=rng.integers(0, 2, (count, 64, 64, 3)).astype(np.uint8),
            masks_known=np.ones((count, 3), bool),
        ),
    )


BATCH: Any = clips()
START = jnp.float32(0.0)


KEY = jax.random.key(1)


@pytest.fixture(scope="module")
def outputs():
    """Of an untrained network with any weights, at forced crops."""
    inputs = TASK.inputs(BATCH, KEY, START)
    shapes = jax.eval_shape(CONFIG.model.init, KEY, inputs)
    rng = np.random.default_rng(0)
    weights = jax.tree.map(
        lambda leaf: np.abs(rng.normal(0, 0.1, leaf.shape)).astype(leaf.dtype), shapes
    )
    return jax.jit(CONFIG.model.apply)(weights, inputs)


def scored(batch, outputs):
    terms = TASK.losses(outputs, TASK.targets(batch, jax.lax.stop_gradient(outputs)))
    return {
        "terms": terms,
        "losses": {name: reduce(term) for name, term in terms.items()},
        "metrics": TASK.metrics(outputs, batch),
        "predictions": TASK.decode(outputs, TASK.inputs(batch, None, START)),
    }


@pytest.fixture(scope="module")
def stepped(outputs):
    return jax.jit(scored)(BATCH, outputs)


def test_the_task_meets_the_contract():
    assert isinstance(TASK, Contract)
    assert isinstance(TASK.evaluator(), Evaluator)
    assert TASK.loss_terms == CONFIG.heads
    assert TASK.window == Window(3)
    assert TASK.sample.canvas_hw == (128, 128)
    spec = TASK.spec(COUNT)
    same = jax.tree.map(
        lambda s, a: s.shape == a.shape and s.dtype == a.dtype, spec, BATCH
    )
    assert all(jax.tree.leaves(same))
    assert jax.tree.structure(spec) == jax.tree.structure(BATCH)


def test_a_step_gives_a_finite_term_per_head(stepped):
    assert tuple(stepped["terms"]) == TASK.loss_terms
    for name, term in stepped["terms"].items():
        assert term.value.shape == (COUNT,)
        np.testing.assert_allclose(term.weight, 1, err_msg=name)
    assert all(np.isfinite(value) for value in stepped["losses"].values())
    assert "ball_local/presence" in stepped["metrics"]
    assert 0 <= float(stepped["metrics"]["masks/table/iou"].compute()) <= 1


def test_eager_equals_jitted(stepped, outputs):
    """The parts have tests of their own; here draws and the whole of the targets."""

    def drawn(batch, key):
        inputs = TASK.inputs(batch, key, jnp.float32(0.4))
        return inputs.crop_at, inputs.forced, TASK.targets(batch, outputs).ball_local

    eager, jitted = drawn(BATCH, KEY), jax.jit(drawn)(BATCH, KEY)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-3), eager, jitted
    )
    assert 0 < eager[1].sum() < COUNT


def test_forced_crops_hold_the_ball(outputs):
    inputs = TASK.inputs(BATCH, KEY, START)
    assert inputs.forced.all()
    inside = BATCH.labels.ball_xy_px[:, 2] - np.asarray(outputs.crop_xy)
    assert (inside >= 0).all()
    assert (inside < 64).all()


def test_targets_of_the_local_stage_follow_the_crop_that_was_taken(outputs):
    """Whatever the crop, the target peaks where the ball's column lies in it."""
    truth: Any = TASK.targets(BATCH, outputs)
    for index in range(COUNT):
        x, y = np.asarray(outputs.crop_xy[index]) - CANVAS_XY[index]
        view = BATCH.canvas[index, 2, y : y + 64, x : x + 64, 0]
        column = int(np.argmax((view == 255).sum(axis=0)))
        assert abs(int(truth.ball_local.x[index, 2].argmax()) - column) <= 1


def test_crops_turn_from_the_label_to_the_own_answer():
    crops = TASK.crops
    for progress, share in ((0.0, 0.0), (0.2, 0.0), (0.4, 0.5), (0.6, 1.0), (1.0, 1.0)):
        np.testing.assert_allclose(crops.own_share(jnp.float32(progress)), share, 1e-5)
        many = jax.tree.map(lambda leaf: np.repeat(leaf[:1], 400, axis=0), BATCH)
        thin = dataclasses.replace(many, frames=many.frames[:, :, :1, :1])
        forced = TASK.inputs(thin, jax.random.key(5), jnp.float32(progress)).forced
        assert abs(float(forced.mean()) - (1 - share)) < 0.1
    with pytest.raises(ValueError, match="forced first and own later"):
        Crops(forced_until=0.5, own_from=0.4)


def test_the_jitter_is_a_share_of_the_crop():
    many = jax.tree.map(lambda leaf: np.repeat(leaf[:1], 1000, axis=0), BATCH)
    inputs = TASK.inputs(many, jax.random.key(0), START)
    error = np.asarray(inputs.crop_at) - BATCH.labels.ball_xy_px[:1, 2]
    np.testing.assert_allclose(error.std(axis=0), 0.05 * 64, rtol=0.15)
    np.testing.assert_allclose(error.mean(axis=0), 0, atol=0.5)


@pytest.mark.parametrize("state", [ABSENT, UNKNOWN])
def test_without_a_visible_ball_the_crop_lies_anywhere_in_the_canvas(state):
    labels = dataclasses.replace(
        BATCH.labels, ball_state=np.full((COUNT, 3), state, np.int8)
    )
    many = jax.tree.map(
        lambda leaf: np.repeat(leaf[:1], 300, axis=0),
        dataclasses.replace(BATCH, labels=labels),
    )
    at = np.asarray(TASK.inputs(many, jax.random.key(0), START).crop_at) - CANVAS_XY[0]
    assert (at >= 32).all()
    assert (at <= 96).all()
    np.testing.assert_allclose(at.mean(axis=0), 64, atol=4)
    assert (at.std(axis=0) > 15).all()


def test_inference_depends_on_no_label():
    inputs = TASK.inputs(BATCH, None, START)
    assert not inputs.forced.any()
    other = dataclasses.replace(
        BATCH, labels=jax.tree.map(lambda leaf: np.zeros_like(leaf), BATCH.labels)
    )
    again = TASK.inputs(other, None, jnp.float32(0.9))
    jax.tree.map(np.testing.assert_array_equal, inputs, again)


def test_a_ring_of_whole_frames_is_never_copied_into_one_array():
    b, t, *size = BATCH.canvas.shape
    at = jnp.arange(b * t, dtype=jnp.int32).reshape(b, t)
    ring = FramePool(jnp.asarray(BATCH.canvas.reshape(b * t, *size)), at)
    for key in (None, KEY):
        inputs: Any = TASK.inputs(dataclasses.replace(BATCH, canvas=ring), key, START)
        assert inputs.canvas.pixels is ring.pixels
        stacked = TASK.inputs(BATCH, key, START)
        np.testing.assert_array_equal(inputs.crop_at, stacked.crop_at)


def mirrored(key):
    options = Augment(hflip=0.5, brightness=0.0, contrast=0.0, channel=0.0)
    return dataclasses.replace(TASK, augmentation=options).augment(key, BATCH)


def test_augment_mirrors_frames_canvas_ball_and_masks_together():
    made: Any = jax.jit(mirrored)(jax.random.key(2))
    flips = np.asarray(made.canvas_xy[:, 0]) != 200
    assert 0 < flips.sum() < COUNT
    for index, flip in enumerate(flips):
        turn = slice(None, None, -1) if flip else slice(None)
        np.testing.assert_array_equal(
            made.frames[index], BATCH.frames[index][:, :, turn]
        )
        np.testing.assert_array_equal(
            made.canvas[index], BATCH.canvas[index][:, :, turn]
        )
        np.testing.assert_array_equal(
            made.labels.masks[index], BATCH.labels.masks[index][:, turn]
        )
        x = BATCH.labels.ball_xy_px[index, :, 0]
        expected = 640 - x if flip else x
        np.testing.assert_allclose(made.labels.ball_xy_px[index, :, 0], expected)
        # The bright column of the canvas still holds the ball.
        column = int(np.asarray(made.canvas[index, 0, 0, :, 0]).argmax())
        ball = float(made.labels.ball_xy_px[index, 0, 0]) - int(
            made.canvas_xy[index, 0]
        )
        assert -1e-3 <= ball - column <= 1 + 1e-3
    np.testing.assert_array_equal(made.canvas_xy[:, 1], 100)
    np.testing.assert_array_equal(made.canvas_xy[flips, 0], 640 - 200 - 128)


def test_augment_recolours_frames_and_canvas_alike_and_only_pixels():
    same = dataclasses.replace(
        BATCH,
        frames=np.full_like(BATCH.frames, 90),
        canvas=np.full_like(BATCH.canvas, 90),
    )
    options = Augment(hflip=0.0)
    made = dataclasses.replace(TASK, augmentation=options).augment(
        jax.random.key(0), same
    )
    frames, canvas = np.asarray(made.frames), np.asarray(made.canvas)
    for index in range(COUNT):
        colour = frames[index, 0, 0, 0]
        assert (frames[index] == colour).all()
        assert (canvas[index] == colour).all()
    assert len(np.unique(frames[:, 0, 0, 0, 0])) > 1
    jax.tree.map(np.testing.assert_array_equal, made.labels, BATCH.labels)
    nothing = Augment(hflip=0.0, brightness=0.0, contrast=0.0, channel=0.0)
    still = dataclasses.replace(TASK, augmentation=nothing).augment(
        jax.random.key(0), BATCH
    )
    jax.tree.map(np.testing.assert_array_equal, still, BATCH)


def test_decode_is_in_source_pixels(stepped, outputs):
    predictions = stepped["predictions"]
    cell = np.array([640, 480]) / 64
    at = np.asarray(predictions.ball_global.xy_px) / cell
    bins = np.asarray(outputs.ball_global.x[:, 2].argmax(-1))
    assert (np.abs(at[:, 0] - bins - 0.5) <= 0.5).all()
    inside = np.asarray(predictions.ball_local.xy_px) - np.asarray(outputs.crop_xy)
    assert (inside >= 0).all()
    assert (inside <= 64).all()
    np.testing.assert_array_equal(predictions.source_hw, BATCH.source_hw)


def test_records_are_json_with_the_offset_of_their_frame():
    task = Task(configs.nano(window=Window(9, stride=2)))

    def ball(x, present):
        return Ball(
            xy_px=jnp.array([[x, 20.0]]),
            probability=jnp.array([0.75]),
            present=jnp.array([present]),
        )

    made = task.records(
        Predictions(
            ball_global=ball(10.125, True),
            ball_local=ball(11.0, False),
            events=jnp.array([[0.25, 0.5]]),
        )
    )
    assert json.loads(json.dumps(made)) == [
        [
            [
                0,
                {
                    "ball": {
                        "xy_px": None,
                        "probability": 0.75,
                        "present": False,
                        "global": {
                            "xy_px": [10.12, 20.0],
                            "probability": 0.75,
                            "present": True,
                        },
                    }
                },
            ],
            [-8, {"events": {"bounce": 0.25, "net": 0.5}}],
        ]
    ]
    only = task.records(Predictions(ball_global=ball(1.0, True)))
    assert only == [
        [(0, {"ball": {"xy_px": [1.0, 20.0], "probability": 0.75, "present": True}})]
    ]


def test_heads_that_are_off_need_no_data_and_give_no_terms():
    task = Task(
        configs.nano(window=Window(3), heads=("ball_global",), frame_hw=(64, 64))
    )
    assert task.loss_terms == ("ball_global",)
    spec = task.spec(2)
    assert spec.canvas is None
    assert spec.labels.masks.shape == (2, 64, 64, 0)
    assert spec.labels.event_offset.shape == (2, 0)
    batch = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), spec)
    batch = task.augment(jax.random.key(0), batch)
    inputs = task.inputs(batch, jax.random.key(1), START)
    assert inputs.canvas is None
    assert not inputs.forced.any()
    assert task.evaluator().table() == {}


def test_a_term_without_its_head_is_an_error():
    with pytest.raises(ValueError, match="belongs to a head"):
        Task(configs.nano(heads=("ball_global",)), loss_terms=("events",))
    with pytest.raises(ValueError, match="one weight"):
        Task(configs.nano(), loss=Losses(event_weights=(1.0,)))
    some = Task(CONFIG, loss_terms=("events",))
    assert some.loss_terms == ("events",)
