import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from ttjax.losses.term import Term, reduce


def term(values, weights):
    return Term(jnp.array(values, jnp.float32), jnp.array(weights, jnp.float32))


def test_reduce_is_the_mean_over_labelled_examples():
    got = reduce(term([1.0, 4.0, 100.0], [1.0, 1.0, 0.0]))
    np.testing.assert_allclose(got, 2.5)
    np.testing.assert_allclose(jax.jit(reduce)(term([1.0, 4.0], [0.5, 1.5])), 3.25)


def test_unlabelled_examples_change_neither_the_loss_nor_its_gradient():
    def loss(scale, extra):
        values = [2.0, 3.0] + [7.0] * extra
        weights = [1.0, 1.0] + [0.0] * extra
        made = term(values, weights)
        return reduce(dataclasses.replace(made, value=made.value * scale**2))

    alone = jax.value_and_grad(loss)(1.5, 0)
    among = jax.value_and_grad(loss)(1.5, 5)
    np.testing.assert_array_equal(alone, among)


def test_a_batch_without_labels_costs_nothing():
    value, slope = jax.value_and_grad(lambda s: reduce(term([9.0], [0.0])) * s)(2.0)
    assert value == 0
    assert slope == 0
