import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.samples import ABSENT, NO_EVENT, UNKNOWN, VISIBLE, Labels
from ttjax.ttnet import targets
from ttjax.ttnet.arrays import BallLogits, Outputs

HW = (128, 320)
SOURCE = jnp.array([[1080, 1920]], jnp.int32)


def at(points, *, state=VISIBLE, scale=(6.0, 8.4375), origin=(0.0, 0.0), radius=7.5):
    points = jnp.array(points, jnp.float32).reshape(-1, 1, 2)
    count = len(points)
    return targets.ball_targets(
        points,
        jnp.full((count, 1), state, jnp.int8),
        origin_xy=jnp.tile(jnp.array([origin], jnp.float32), (count, 1)),
        scale_xy=jnp.tile(jnp.array([scale], jnp.float32), (count, 1)),
        radius_px=jnp.full((count,), radius, jnp.float32),
        size_hw=HW,
    )


def test_ball_targets_are_unit_gaussians_whose_sigma_differs_by_scale_and_axis():
    made = at([[963.0, 400.0]])
    assert isinstance(made, targets.BallTargets)
    for curve, position, sigma in (
        (made.x, 963 / 6, 7.5 / 6),
        (made.y, 400 / 8.4375, 7.5 / 8.4375),
    ):
        bins = np.arange(curve.shape[-1]) + 0.5
        expected = np.exp(-0.5 * ((bins - position) / sigma) ** 2)
        np.testing.assert_allclose(curve[0, 0], expected, atol=1e-6)
    local = at([[963.0, 400.0]], scale=(1.0, 1.0), origin=(800.0, 350.0))
    assert (local.x[0, 0] > 0.5).sum() == 18  # 2 * 1.18 * 7.5 px, about the ball
    tiny = at([[963.0, 400.0]], radius=1.0)
    expected = np.exp(-0.5 * ((np.arange(320) + 0.5 - 160.5) / 0.6) ** 2)
    np.testing.assert_allclose(tiny.x[0, 0], expected, atol=1e-6)
    assert targets.LEAST_SIGMA_PX == 0.6


@pytest.mark.parametrize("radius", [0.5, 7.5])
def test_wherever_the_ball_is_one_bin_of_each_axis_reaches_a_half(radius):
    steps = np.linspace(0, 1, 997)
    edge = [np.nextafter(np.float32(1920), 0), np.nextafter(np.float32(1080), 0)]
    points = np.concatenate([steps[:, None] * edge, [[0.0, edge[1]], [edge[0], 0.0]]])
    made = at(points, radius=radius)
    assert made.x.max(axis=-1).min() >= 0.5
    assert made.y.max(axis=-1).min() >= 0.5


def test_the_label_is_neither_truncated_nor_rounded():
    """Truncated centres are biased by half a cell; here the mean error is 0."""
    x = np.arange(0.25, 1800, 0.5)
    made = np.asarray(at(np.stack([x, np.full_like(x, 500.0)], 1)).x[:, 0])
    bins = np.arange(320) + 0.5
    mean = (made * bins).sum(1) / made.sum(1) * 6
    inside = (x > 60) & (x < 1740)
    np.testing.assert_allclose(mean[inside], x[inside], atol=0.05)


def test_absent_or_out_of_view_is_zeros_with_weight_and_unknown_has_none():
    absent, unknown = at([[9.0, 9.0]], state=ABSENT), at([[9.0, 9.0]], state=UNKNOWN)
    for made in (absent, unknown):
        assert made.x.max() == 0
        assert made.y.max() == 0
    assert absent.known.all()
    assert not unknown.known.any()
    # In the columns of the view, but not in its rows: present in neither.
    outside = at([[900.0, 600.0]], scale=(1.0, 1.0), origin=(800.0, 350.0))
    assert outside.x.max() == 0
    assert outside.y.max() == 0
    assert outside.known.all()


def test_inside_is_half_open_on_both_axes():
    points = jnp.array([[0.0, 0.0], [4.0, 1.0], [3.9, 2.0], [-0.1, 1.0], [3.9, 1.9]])
    got = targets.inside(points, jnp.array([[2, 4]]))
    np.testing.assert_array_equal(got, [True, False, False, False, True])


def test_event_targets_are_the_maximum_over_all_events():
    rng = np.random.default_rng(0)
    for _ in range(50):
        events = rng.integers(0, 40, rng.integers(0, 6))
        middle = int(rng.integers(0, 40))
        expected, offset = 0.0, NO_EVENT
        for event in events:
            n = middle - event
            if abs(n) < targets.EVENT_STEPS:
                expected = max(expected, np.cos(n * np.pi / 8))
            if abs(n) < abs(offset):
                offset = np.float32(-n)
        got = targets.event_targets(jnp.array([[offset]], jnp.float32))
        np.testing.assert_allclose(got[0, 0], expected, atol=1e-6)


def test_an_event_is_one_at_its_frame_and_falls_to_zero():
    offsets = jnp.array([0, 1, -1, 2, -3, 4, -4, np.inf, -np.inf], jnp.float32)
    got = targets.event_targets(offsets)
    c = np.cos(np.arange(4) * np.pi / 8)
    expected = [1, c[1], c[1], c[2], c[3], 0, 0, 0, 0]
    np.testing.assert_allclose(got, expected, atol=1e-6)
    np.testing.assert_allclose(c, [1, 0.924, 0.707, 0.383], atol=1e-3)


def test_the_radius_follows_the_height_unless_it_is_given():
    sizes = jnp.array([[1080, 1920], [720, 1280]], jnp.int32)
    np.testing.assert_allclose(targets.source_radius_px(sizes, None), [7.5, 5.0])
    np.testing.assert_allclose(targets.source_radius_px(sizes, 4.0), [4.0, 4.0])
    assert targets.FULL_HD_RADIUS_PX == 7.5


def labels(frames=3):
    return Labels(
        ball_xy_px=jnp.array([[[100.0, 50.0], [700.0, 70.0], [720.0, 80.0]]])[
            :, :frames
        ],
        ball_state=jnp.array([[VISIBLE, ABSENT, VISIBLE]], jnp.int8)[:, :frames],
        event_offset=jnp.array([[1.0, np.inf]], jnp.float32),
        event_known=jnp.array([[True, False]]),
        masks=jnp.ones((1, 8, 8, 1), jnp.uint8),
        masks_known=jnp.array([[True]]),
    )


def outputs(k, h=8, w=16):
    logits = BallLogits(x=jnp.zeros((1, k, w)), y=jnp.zeros((1, k, h)))
    return Outputs(
        ball_global=logits,
        ball_local=logits,
        events=jnp.zeros((1, 2)),
        masks=jnp.zeros((1, 8, 8, 1)),
        crop_xy=jnp.array([[712, 76]], jnp.int32),
    )


jitted_build = jax.jit(functools.partial(targets.build, ball_at=2))


def test_build_gives_every_stage_the_frames_that_it_predicts():
    one: Any = jitted_build(labels(), outputs(1), SOURCE)
    every: Any = jitted_build(labels(), outputs(3), SOURCE)
    for stage in ("ball_global", "ball_local"):
        alone, among = getattr(one, stage), getattr(every, stage)
        np.testing.assert_allclose(alone.x[:, 0], among.x[:, 2], atol=1e-5)
        np.testing.assert_allclose(alone.y[:, 0], among.y[:, 2], atol=1e-5)
        assert among.x[0, 1].max() == 0
    # The local view begins at the crop that the network took.
    assert int(every.ball_local.x[0, 2].argmax()) in (7, 8)
    assert int(every.ball_local.y[0, 2].argmax()) in (3, 4)
    assert every.ball_local.x[0, 0].max() == 0
    assert every.ball_global.x[0, 0].max() >= 0.5
    np.testing.assert_allclose(one.events, [[np.cos(np.pi / 8), 0.0]], atol=1e-6)
    np.testing.assert_array_equal(one.events_known, [[True, False]])
    assert one.masks.dtype == jnp.float32
    assert one.masks_known.all()
    nothing = targets.build(labels(), Outputs(), SOURCE, ball_at=2)
    assert isinstance(nothing, targets.Targets)
    assert jax.tree.leaves(nothing) == []


def test_build_jits():
    eager = targets.build(labels(), outputs(3), SOURCE, ball_at=2)
    jitted = jitted_build(labels(), outputs(3), SOURCE)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), eager, jitted
    )
