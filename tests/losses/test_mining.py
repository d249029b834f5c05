import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.losses import mining
from ttjax.losses.mining import hardest
from ttjax.losses.term import Term, reduce

RNG = np.random.default_rng(5)


def term(values, weights):
    return Term(jnp.array(values, jnp.float32), jnp.array(weights, jnp.float32))


def kept_by_loop(values, weights, kept):
    """Takes the hardest one by one, then what is as hard as the last."""
    left = [index for index, weight in enumerate(weights) if weight > 0]
    chosen, last = [], None
    while left and len(chosen) < kept:
        best = left[0]
        for index in left:
            if values[index] > values[best]:
                best = index
        left.remove(best)
        chosen.append(best)
        last = values[best]
    chosen += [index for index in left if values[index] == last]
    return [w if index in chosen else 0.0 for index, w in enumerate(weights)]


CASES = {0.1: (1, 1, 3), 0.25: (1, 3, 8), 0.5: (1, 5, 15), 0.7: (1, 7, 21)}
"""How many are kept of 1, 10 and 30 examples."""


@pytest.mark.parametrize("share", CASES)
def test_the_hardest_labelled_examples_keep_their_weight(share):
    mined = jax.jit(lambda one: hardest(one, share))
    for count, kept in zip((1, 10, 30), CASES[share], strict=True):
        values = RNG.integers(0, 6, count).astype(float)
        weights = RNG.uniform(0.2, 1, count)
        # Places without a label, whose values are the largest.
        values = np.insert(values, [0, count], 99.0)
        weights = np.insert(weights, [0, count], 0.0)
        got = mined(term(values, weights))
        expected = kept_by_loop(values, weights, kept)
        np.testing.assert_allclose(got.weight, expected, rtol=1e-6)
        np.testing.assert_array_equal(got.value, np.float32(values))
        eager = hardest(term(values, weights), share)
        np.testing.assert_array_equal(eager.weight, got.weight)
        assert np.count_nonzero(got.weight) >= kept


def test_those_that_tie_with_the_last_are_kept_in_whatever_order():
    one = term([1.0, 2.0, 2.0, 2.0, 3.0], [1.0, 0.5, 1.0, 0.0, 1.0])
    np.testing.assert_array_equal(hardest(one, 0.5).weight, [0, 0.5, 1, 0, 1])
    order = RNG.permutation(5)
    turned = hardest(jax.tree.map(lambda leaf: leaf[order], one), 0.5)
    np.testing.assert_array_equal(
        turned.weight, hardest(one, 0.5).weight[jnp.array(order)]
    )
    alike = term([1.0] * 4, [1.0] * 4)
    np.testing.assert_array_equal(hardest(alike, 0.25).weight, 1)


def test_the_whole_share_changes_nothing():
    one = term([3.0, 1.0], [0.3, 0.0])
    assert hardest(one, 1.0) is one
    assert hardest(one, 1) is one


def loss(scale, extra, share):
    values = jnp.concatenate([jnp.array([4.0, 1.0, 3.0, 2.0]), jnp.full(extra, 9.0)])
    weights = jnp.concatenate([jnp.ones(4), jnp.zeros(extra)])
    return reduce(hardest(Term(values * scale, weights), share))


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_unlabelled_examples_change_neither_the_loss_nor_its_gradient(share):
    slope = jax.value_and_grad(loss)
    np.testing.assert_array_equal(slope(1.5, 0, share), slope(1.5, 7, share))


def test_gradients_flow_through_those_kept_alone():
    weights = jnp.array([1.0, 1.0, 1.0, 0.0])

    def total(values):
        return reduce(hardest(Term(values, weights), 0.6))

    slopes = jax.jit(jax.grad(total))(jnp.array([5.0, 1.0, 2.0, 9.0]))
    np.testing.assert_array_equal(slopes, [0.5, 0, 0.5, 0])


def test_a_batch_without_labels_costs_nothing():
    value, slope = jax.value_and_grad(
        lambda s: reduce(hardest(term([9.0, 8.0], [0.0, 0.0]), 0.5)) * s
    )(2.0)
    assert value == slope == 0


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_stays_in_sight(wrong):
    mined = hardest(term([wrong, 1.0, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0]), 0.25)
    assert mined.weight[0] == 1
    assert not np.isfinite(reduce(mined))


@pytest.mark.parametrize("share", [0.0, -0.5, 1.5, float("nan")])
def test_a_share_is_above_0_and_at_most_1(share):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        mining.check_share(share)
    with pytest.raises(ValueError, match="1 keeps all"):
        hardest(term([1.0], [1.0]), share)
