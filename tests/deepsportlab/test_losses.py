import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.deepsportlab.arrays import Outputs, Pif
from ttjax.deepsportlab.losses import (
    FIELDS,
    NAMES,
    Loss,
    Paper,
    Released,
    head_of,
)
from ttjax.deepsportlab.mask_targets import NO_CLASS, HeatTarget, MaskTarget
from ttjax.deepsportlab.pif_targets import PifTarget
from ttjax.deepsportlab.targets import Targets
from ttjax.losses.term import Term, reduce

RNG = np.random.default_rng(0)
B, H, W, STRIDE = 2, 5, 6, 2
KINDS = {"parts": 3, "centre": 1, "ball": 1}
HEADS = (*FIELDS, "masks")


def normal(*shape, size=2.0):
    return jnp.array(RNG.normal(0, size, shape), jnp.float32)


def some(*shape, share=0.5):
    return jnp.array(RNG.uniform(size=shape) < share)


def pif(k):
    return Pif(
        confidence=normal(B, H, W, k),
        vector=normal(B, H, W, k, 2),
        log_spread=normal(B, H, W, k),
        log_scale=normal(B, H, W, k),
    )


def pif_target(k):
    here = some(B, H, W, k)
    return PifTarget(
        confidence=here,
        known=some(B, H, W, k, share=0.8),
        vector=normal(B, H, W, k, 2),
        vector_known=here,
        scale=jnp.exp(normal(B, H, W, k)),
        scale_known=here & some(B, H, W, k),
        labelled=jnp.ones(B, bool),
    )


OUTPUTS: Any = Outputs(
    **{name: pif(k) for name, k in KINDS.items()},
    semantic=normal(B, 9, 11, 3),
    offset=normal(B, 9, 11, 2),
    centre_heat=normal(B, 9, 11, 1),
)
CLASSES = RNG.integers(NO_CLASS, 3, (B, 9, 11))
TARGETS: Any = Targets(
    parts=pif_target(3),
    centre=pif_target(1),
    ball=pif_target(1),
    masks=MaskTarget(
        semantic=jnp.array(CLASSES, jnp.int32),
        offset=normal(B, 9, 11, 2),
        offset_known=jnp.array(CLASSES == 1),
        labelled=jnp.ones(B, bool),
    ),
    centre_heat=HeatTarget(
        heat=jnp.array(RNG.uniform(size=(B, 9, 11)), jnp.float32),
        known=some(B, 9, 11, share=0.8),
        labelled=jnp.ones(B, bool),
    ),
    map_stride=STRIDE,
)
RELEASED, PAPER = Released(), Paper()


@functools.partial(jax.jit, static_argnames=("loss", "names"))
def terms_of(loss, outputs, targets, names):
    return loss.terms(outputs, targets, names)


def numbers(tree: Any) -> Any:
    """Arrays of doubles, and of booleans, by name."""
    return type(
        "Numbers",
        (),
        {
            name: np.asarray(leaf) * (1 if leaf.dtype == bool else np.float64(1))
            for name, leaf in vars(tree).items()
        },
    )


def focal(z, t):
    p = 1 / (1 + np.exp(-z))
    return np.where(t, -(1 - p) * np.log(p), -p * np.log(1 - p))


def bce(z, t):
    p = 1 / (1 + np.exp(-z))
    return np.where(t, -np.log(p), -np.log(1 - p))


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_has_the_released_sum(name):
    got = terms_of(RELEASED, OUTPUTS, TARGETS, (name,))[name]
    z, t = numbers(getattr(OUTPUTS, name)), numbers(getattr(TARGETS, name))
    for b in range(B):
        total = 0.0
        for at in np.ndindex(H, W, KINDS[name]):
            here = (b, *at)
            if t.known[here]:
                total += 20 / 1000 * focal(z.confidence[here], t.confidence[here])
            if t.vector_known[here]:
                spread = np.exp(3 * np.tanh(z.log_spread[here] / 3))
                far = np.hypot(*(z.vector[here] - t.vector[here]))
                total += 10 * 0.1 / 100 * (np.log(2 * spread) + far / spread)
            if t.scale_known[here]:
                total += 10 / 100 * abs(z.log_scale[here] - np.log(t.scale[here]))
        np.testing.assert_allclose(got.value[b], total, rtol=1e-4)
    np.testing.assert_array_equal(got.weight, 1)


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_has_the_sums_of_equation_2(name):
    got = terms_of(PAPER, OUTPUTS, TARGETS, (name,))[name].value
    z, t = numbers(getattr(OUTPUTS, name)), numbers(getattr(TARGETS, name))
    spread = np.exp(3 * np.tanh(z.log_spread / 3))
    square = ((z.vector - t.vector) ** 2).sum(-1)
    confidence = bce(z.confidence, t.confidence)
    raw = z.log_scale
    exp = np.where(raw > 5, np.exp(5) * (raw - 4), np.exp(raw))
    total = (
        20 * np.where(t.known, confidence, 0)
        + 10 * np.where(t.vector_known, square / spread**2 + np.log(spread), 0)
        + 10 * np.where(t.scale_known, np.abs(exp - t.scale), 0)
    )
    np.testing.assert_allclose(got, total.sum((1, 2, 3)), rtol=1e-4)


def squares(b):
    """Squared offsets in pixels of the picture, at the players of a picture."""
    z, t = np.asarray(OUTPUTS.offset, float), TARGETS.masks
    assert t is not None
    delta = (z[b] - np.asarray(t.offset, float)[b]) * STRIDE
    return (delta**2).sum(-1)[np.asarray(t.offset_known)[b]]


def test_masks_have_the_hardest_fifth_and_the_mean_offset_of_each_picture():
    got = terms_of(RELEASED, OUTPUTS, TARGETS, ("masks", "semantic", "offset"))
    logits = np.asarray(OUTPUTS.semantic, np.float64)
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    for b in range(B):
        known = CLASSES[b] != NO_CLASS
        right = np.take_along_axis(p[b], np.maximum(CLASSES[b], 0)[..., None], -1)
        losses = np.sort(-np.log(right[..., 0][known]))[::-1]
        hard = 10 * losses[: int(0.2 * known.sum())].mean()
        np.testing.assert_allclose(got["semantic"].value[b], hard, rtol=1e-4)
        away = 0.1 * 0.01 * squares(b).mean() / 2
        np.testing.assert_allclose(got["offset"].value[b], away, rtol=1e-4)
        np.testing.assert_allclose(got["masks"].value[b], hard + away, rtol=1e-4)
    together = np.concatenate([squares(b) for b in range(B)]).mean()
    np.testing.assert_allclose(reduce(got["offset"]), 0.001 * together / 2, rtol=1e-4)


def test_masks_have_the_means_of_equation_2():
    got = terms_of(PAPER, OUTPUTS, TARGETS, ("masks",))["masks"].value
    logits = np.asarray(OUTPUTS.semantic, np.float64)
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    for b in range(B):
        known = CLASSES[b] != NO_CLASS
        each = [
            -np.where(CLASSES[b] == c, np.log(p[b, ..., c]), np.log1p(-p[b, ..., c]))
            for c in (1, 2)
        ]
        expected = 10 * sum(each)[known].mean() + 0.1 * squares(b).sum() / (9 * 11)
        np.testing.assert_allclose(got[b], expected, rtol=1e-4)


@pytest.mark.parametrize("loss", [RELEASED, PAPER])
def test_a_heat_map_of_centres_has_a_mean_square(loss):
    outputs = OUTPUTS.replace(centre=None)
    got = terms_of(loss, outputs, TARGETS, ("centre",))["centre"]
    target: Any = TARGETS.centre_heat
    p = 1 / (1 + np.exp(-np.asarray(OUTPUTS.centre_heat, float)[..., 0]))
    for b in range(B):
        square = ((p - np.asarray(target.heat)) ** 2)[b][np.asarray(target.known)[b]]
        np.testing.assert_allclose(got.value[b], 200 * square.mean(), rtol=1e-5)


def unlabelled(targets: Targets) -> Targets:
    """The second picture without any label, whatever its maps hold."""
    return jax.tree.map(
        lambda leaf: leaf.at[1].set(False) if leaf.dtype == bool else leaf, targets
    ).replace(
        masks=TARGETS.masks.replace(
            semantic=TARGETS.masks.semantic.at[1].set(NO_CLASS),
            offset_known=TARGETS.masks.offset_known.at[1].set(False),
            labelled=jnp.array([True, False]),
        )
    )


@pytest.mark.parametrize("loss", [RELEASED, PAPER])
def test_a_picture_without_labels_changes_nothing(loss: Loss):
    def total(outputs, targets):
        terms = loss.terms(outputs, targets, ("parts", "masks", "offset"))
        return sum(reduce(term) for term in terms.values())

    step = jax.jit(jax.value_and_grad(total))
    value, slope = step(OUTPUTS, unlabelled(TARGETS))
    alone = jax.tree.map(lambda leaf: leaf[:1], (OUTPUTS, TARGETS))
    expected, steep = step(*alone)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    for got, want in zip(jax.tree.leaves(slope), jax.tree.leaves(steep), strict=True):
        np.testing.assert_allclose(got[:1], want, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(got[1], 0)
    terms = terms_of(loss, OUTPUTS, unlabelled(TARGETS), NAMES)
    for term in terms.values():
        assert isinstance(term, Term)
        assert (term.value[1], term.weight[1]) == (0, 0)


@pytest.mark.parametrize("loss", [RELEASED, PAPER])
@pytest.mark.parametrize("raw", [-1e4, 0.0, 1e4])
def test_extreme_outputs_have_finite_losses_and_gradients(loss, raw):
    def total(outputs):
        return sum(reduce(t) for t in terms_of(loss, outputs, TARGETS, NAMES).values())

    outputs = jax.tree.map(lambda leaf: jnp.sign(leaf) * raw, OUTPUTS)
    value, slope = jax.jit(jax.value_and_grad(total))(outputs)
    assert np.isfinite(value)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope))


def test_heads_in_which_nothing_is_taught_cost_nothing():
    nothing: Any = jax.tree.map(
        lambda leaf: leaf & False if leaf.dtype == bool else leaf, TARGETS
    )
    masks = nothing.masks.replace(
        semantic=jnp.full((B, 9, 11), NO_CLASS), labelled=jnp.ones(B, bool)
    )
    for loss in (RELEASED, PAPER):
        terms = terms_of(loss, OUTPUTS, nothing.replace(masks=masks), HEADS)
        for term in terms.values():
            np.testing.assert_array_equal(term.value, 0)


def test_terms_come_in_the_order_asked_for_and_need_their_heads():
    terms = RELEASED.terms(OUTPUTS, TARGETS, ("ball", "centre"))
    assert list(terms) == ["ball", "centre"]
    compiled = terms_of(RELEASED, OUTPUTS, TARGETS, ("ball",))["ball"].value
    np.testing.assert_allclose(terms["ball"].value, compiled, rtol=1e-5)
    with pytest.raises(ValueError, match="'ball' needs its head"):
        RELEASED.terms(OUTPUTS.replace(ball=None), TARGETS, ("ball",))
    with pytest.raises(ValueError, match="'masks' needs its head"):
        PAPER.terms(OUTPUTS, TARGETS.replace(masks=None), ("masks",))
    with pytest.raises(ValueError, match="A loss term is one of"):
        PAPER.terms(OUTPUTS, TARGETS, ("heads",))
    with pytest.raises(ValueError, match="`hardest` is a share"):
        Released(hardest=0.0)


def test_both_halves_of_the_masks_belong_to_their_head():
    assert {name: head_of(name) for name in NAMES} == {
        **{name: name for name in HEADS},
        "semantic": "masks",
        "offset": "masks",
    }
