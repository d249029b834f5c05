import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.losses.term import reduce
from ttjax.ttnet import losses
from ttjax.ttnet.arrays import BallLogits, Outputs
from ttjax.ttnet.losses import Losses
from ttjax.ttnet.targets import BallTargets, Targets

RNG = np.random.default_rng(0)
B, K, H, W, E, M = 3, 2, 4, 6, 2, 3
NAMES = ("ball_global", "ball_local", "events", "masks")
ONE = jnp.ones((1,), jnp.float32)


def uniform(*shape):
    return jnp.array(RNG.uniform(0, 1, shape), jnp.float32)


def normal(*shape, dtype=jnp.float32):
    return jnp.array(RNG.normal(0, 2, shape), dtype)


def bce(logits, targets):
    z, t = np.asarray(logits, np.float64), np.asarray(targets, np.float64)
    p = 1 / (1 + np.exp(-z))
    return -t * np.log(p) - (1 - t) * np.log(1 - p)


LOGITS = BallLogits(x=normal(B, K, W), y=normal(B, K, H))
TARGETS = BallTargets(
    x=uniform(B, K, W), y=uniform(B, K, H), known=jnp.ones((B, K), bool)
)
OUTPUTS: Any = Outputs(
    ball_global=LOGITS,
    ball_local=LOGITS,
    events=normal(B, E),
    masks=normal(B, H, W, M),
)
TRUTH: Any = Targets(
    ball_global=TARGETS,
    ball_local=TARGETS,
    events=uniform(B, E),
    events_known=jnp.ones((B, E), bool),
    masks=jnp.round(uniform(B, H, W, M)),
    masks_known=jnp.ones((B, M), bool),
)


def terms(loss=None, outputs=OUTPUTS, truth=TRUTH):
    return (loss or Losses()).terms(
        outputs, truth, names=NAMES, events=("bounce", "net"), ball_at=1
    )


def test_ball_term_is_the_mean_over_columns_plus_the_mean_over_rows():
    shares = jnp.array([0.25, 0.75])
    got = losses.ball_term(LOGITS, TARGETS, frame_shares=shares)
    each = bce(LOGITS.x, TARGETS.x).mean(-1) + bce(LOGITS.y, TARGETS.y).mean(-1)
    np.testing.assert_allclose(got.value, each @ np.asarray(shares), rtol=1e-5)
    np.testing.assert_allclose(got.weight, 1)
    summed = losses.ball_term(
        LOGITS, TARGETS, frame_shares=shares, sum_over_bins=True, subtract_entropy=True
    )
    best = losses.ball_term(
        jax.tree.map(
            lambda t: jnp.log(t) - jnp.log1p(-t),
            BallLogits(x=TARGETS.x, y=TARGETS.y),
        ),
        TARGETS,
        frame_shares=shares,
        sum_over_bins=True,
    )
    total = bce(LOGITS.x, TARGETS.x).sum(-1) + bce(LOGITS.y, TARGETS.y).sum(-1)
    np.testing.assert_allclose(
        summed.value, total @ np.asarray(shares) - best.value, rtol=1e-4
    )


def test_a_positive_weight_counts_what_is_there_more_often():
    weight, known = 2.5, jnp.ones((B, K), bool)
    got = losses.ball_term(
        LOGITS, TARGETS, frame_shares=jnp.array([0.0, 1.0]), positive=weight
    )
    expected = 0.0
    for logits, targets in ((LOGITS.x, TARGETS.x), (LOGITS.y, TARGETS.y)):
        z, t = np.asarray(logits, np.float64), np.asarray(targets, np.float64)
        p = 1 / (1 + np.exp(-z))
        expected += (-weight * t * np.log(p) - (1 - t) * np.log(1 - p)).mean(-1)[:, 1]
    np.testing.assert_allclose(got.value, expected, rtol=1e-5)

    def total(x):
        truth = BallTargets(x=TARGETS.x, y=TARGETS.x, known=known)
        at = BallLogits(x=x, y=x)
        shares = jnp.array([0.5, 0.5])
        return losses.ball_term(
            at, truth, frame_shares=shares, subtract_entropy=True, positive=weight
        ).value.sum()

    best = weight * TARGETS.x / (1 + (weight - 1) * TARGETS.x)
    value, slope = jax.value_and_grad(total)(jnp.log(best) - jnp.log1p(-best))
    np.testing.assert_allclose(value, 0, atol=1e-5)
    np.testing.assert_allclose(slope, 0, atol=1e-6)
    with pytest.raises(ValueError, match="`ball_positive` is a weight above 0"):
        Losses(ball_positive=0.0)


def test_equation_2_as_printed_is_minimised_by_all_ones():
    """Without its second half the loss rewards saying yes everywhere; ours does not."""
    bins = np.arange(320) + 0.5
    curve = np.exp(-0.5 * ((bins - 99.3) / 1.25) ** 2)
    exact = np.log(np.clip(curve, 1e-9, 1 - 1e-6)) - np.log1p(
        -np.clip(curve, 0, 0.999999)
    )
    ones = np.full(320, 20.0)

    def printed(logits):
        return -(curve * -np.logaddexp(0, -logits)).mean()

    assert printed(ones) < 1e-8
    assert printed(ones) < printed(exact)

    def ours(logits):
        axis = jnp.array(logits, jnp.float32)[None, None]
        truth = jnp.array(curve, jnp.float32)[None, None]
        known = jnp.ones((1, 1), bool)
        return losses.ball_term(
            BallLogits(x=axis, y=axis),
            BallTargets(x=truth, y=truth, known=known),
            frame_shares=ONE,
        ).value[0]

    assert ours(exact) < 0.05 < 10 < ours(ones)


def test_event_term_is_equation_3():
    weights = jnp.array([1.0, 3.0])
    got = losses.event_term(
        OUTPUTS.events, TRUTH.events, TRUTH.events_known, weights=weights
    )
    each = bce(OUTPUTS.events, TRUTH.events)
    np.testing.assert_allclose(got.value, (each[:, 0] + 3 * each[:, 1]) / 2, rtol=1e-5)
    np.testing.assert_allclose(terms()["events"].value, got.value, rtol=1e-6)


def test_mask_term_is_equations_4_and_5_averaged_over_known_classes():
    known = jnp.array([[True] * 3, [True, False, True], [False] * 3])
    got = losses.mask_term(OUTPUTS.masks, TRUTH.masks, known)
    p = 1 / (1 + np.exp(-np.asarray(OUTPUTS.masks, np.float64)))
    t = np.asarray(TRUTH.masks, np.float64)
    dice = (2 * (p * t).sum((1, 2)) + 1e-4) / (p.sum((1, 2)) + t.sum((1, 2)) + 1e-4)
    each = 1 - dice + bce(OUTPUTS.masks, TRUTH.masks).mean((1, 2))
    np.testing.assert_allclose(got.value[0], each[0].mean(), rtol=1e-5)
    np.testing.assert_allclose(got.value[1], each[1, [0, 2]].mean(), rtol=1e-5)
    np.testing.assert_allclose(got.weight, [1, 2 / 3, 0], rtol=1e-6)
    mean_over_known = (each[0].sum() + each[1, [0, 2]].sum()) / 5
    np.testing.assert_allclose(reduce(got), mean_over_known, rtol=1e-5)


def total(outputs, truth):
    return sum(reduce(term) for term in terms(outputs=outputs, truth=truth).values())


slopes_of_total = jax.jit(jax.value_and_grad(total))


def test_unlabelled_examples_change_no_loss_and_no_gradient():
    alone, slopes = slopes_of_total(OUTPUTS, TRUTH)
    more = jax.tree.map(lambda a: jnp.concatenate([a, a[:2] * 5]), OUTPUTS)
    unknown = jax.tree.map(lambda a: jnp.concatenate([a, jnp.zeros_like(a[:2])]), TRUTH)
    among, padded = slopes_of_total(more, unknown)
    np.testing.assert_allclose(among, alone, rtol=1e-6)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(b[:B], a, atol=1e-7), slopes, padded
    )
    jax.tree.map(lambda a: np.testing.assert_array_equal(a[B:], 0), padded)


def test_an_unlabelled_part_of_an_example_changes_nothing():
    part = dataclasses.replace(
        TRUTH,
        events_known=TRUTH.events_known.at[1, 0].set(False),
        masks_known=TRUTH.masks_known.at[0, 2].set(False),
        ball_local=dataclasses.replace(
            TARGETS, known=TARGETS.known.at[2, 0].set(False)
        ),
    )
    _, slopes = slopes_of_total(OUTPUTS, part)
    assert slopes.events[1, 0] == 0
    assert slopes.events[1, 1] != 0
    assert (slopes.masks[0, ..., 2] == 0).all()
    assert (slopes.masks[0, ..., 1] != 0).any()
    assert (slopes.ball_local.x[2, 0] == 0).all()
    assert (slopes.ball_local.x[2, 1] != 0).all()


@pytest.mark.parametrize("level", [-1e4, -30.0, 30.0, 1e4])
def test_extreme_logits_give_finite_losses_and_gradients(level):
    extreme = jax.tree.map(lambda a: jnp.full_like(a, level), OUTPUTS)
    value, slopes = slopes_of_total(extreme, TRUTH)
    assert np.isfinite(value)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))
    # The wrong answer still has somewhere to go.
    assert np.abs(slopes.events).max() > 0.05


def test_eager_equals_jitted():
    eager = terms()
    assert tuple(eager) == NAMES
    jitted = jax.jit(lambda o, t: terms(None, o, t))(OUTPUTS, TRUTH)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5), eager, jitted
    )
    half = jax.tree.map(lambda a: a.astype(jnp.bfloat16), OUTPUTS)
    assert terms(outputs=half)["masks"].value.dtype == jnp.float32


def test_options_multiply_terms_and_share_frames():
    scaled = terms(Losses(ball_local=0.5, events=4.0, masks=3.0))
    for name, factor in zip(NAMES, (1, 0.5, 4, 3), strict=True):
        expected = factor * np.asarray(terms()[name].value)
        np.testing.assert_allclose(scaled[name].value, expected, rtol=1e-6)
    assert Losses().frame_shares(1, 0) == (1.0,)
    assert Losses().frame_shares(4, 3) == (0.25,) * 4
    np.testing.assert_allclose(
        Losses(ball_at_share=0.7).frame_shares(4, 2), [0.1, 0.1, 0.7, 0.1]
    )
    only = terms(Losses(ball_at_share=1.0))["ball_global"].value
    last = jax.tree.map(lambda a: a[:, 1:], (LOGITS, TARGETS))
    alone = losses.ball_term(*last, frame_shares=ONE)
    np.testing.assert_allclose(only, alone.value, rtol=1e-6)


def test_event_weights_are_the_papers_for_its_two_events():
    assert losses.PAPER_EVENT_WEIGHTS == {"bounce": 1.0, "net": 3.0}
    assert Losses().weights_of(("net", "bounce", "stroke")) == (3.0, 1.0, 1.0)
    assert Losses(event_weights=(2.0,)).weights_of(("stroke",)) == (2.0,)
    with pytest.raises(ValueError, match="one weight"):
        Losses(event_weights=(2.0,)).weights_of(("bounce", "net"))
    with pytest.raises(ValueError, match="is a share"):
        Losses(ball_at_share=1.5)


def test_only_the_hardest_examples_of_each_term_keep_their_weight():
    """Of three examples the hardest two; the ball's is known in one frame of two."""
    part = dataclasses.replace(
        TRUTH,
        ball_global=dataclasses.replace(
            TARGETS, known=TARGETS.known.at[:, 0].set(False)
        ),
    )
    all_of, mined = terms(truth=part), terms(Losses(hardest=0.6), truth=part)
    for name in NAMES:
        easiest = np.argmin(all_of[name].value)
        expected = np.where(np.arange(B) == easiest, 0, all_of[name].weight)
        np.testing.assert_array_equal(mined[name].weight, expected)
        np.testing.assert_array_equal(mined[name].value, all_of[name].value)
    assert mined["ball_global"].weight.max() == 0.5
    with pytest.raises(ValueError, match="1 keeps all"):
        Losses(hardest=0.0)


def test_unlabelled_examples_change_no_mined_loss():
    def mined(outputs, truth):
        found = terms(Losses(hardest=0.5), outputs, truth)
        return sum(reduce(term) for term in found.values())

    more = jax.tree.map(lambda a: jnp.concatenate([a, a[:2] * 5]), OUTPUTS)
    unknown = jax.tree.map(lambda a: jnp.concatenate([a, jnp.zeros_like(a[:2])]), TRUTH)
    slopes_of = jax.jit(jax.value_and_grad(mined))
    alone, slopes = slopes_of(OUTPUTS, TRUTH)
    among, padded = slopes_of(more, unknown)
    np.testing.assert_allclose(among, alone, rtol=1e-6)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(b[:B], a, atol=1e-7), slopes, padded
    )
    jax.tree.map(lambda a: np.testing.assert_array_equal(a[B:], 0), padded)
