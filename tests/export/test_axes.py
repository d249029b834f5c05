import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tests.export import parity
from ttjax.export import axes
from ttjax.export.axes import REDUCTIONS, RULES, channel_order, concatenated, stacked
from ttjax.export.graph import Graph, constant, named

PROGRAMS = {
    "reshape": lambda x: x.reshape(2, 2, 2, 15),
    "squeeze": lambda x: x[:, 1],
    "transpose": lambda x: x.transpose(2, 0, 1),
    "broadcast_in_dim": lambda x: jnp.broadcast_to(x[:, None], (2, 3, 4, 15)),
    "slice": lambda x: x[1:, ::2, :2],
    "rev": lambda x: x[:, ::-1],
    "concatenate": lambda x: jnp.concatenate([x[:, :1], x, x[:, 4:4]], 1),
    "stack": lambda x: jnp.stack([x, 2 * x, x - 1], 1),
    "pad": lambda x: jnp.pad(x, ((0, 0), (1, 2), (0, 1)), constant_values=3),
    "reduce_window_max": lambda x: lax.reduce_window(
        x, -jnp.inf, lax.max, (1, 3, 2), (1, 1, 1), ((0, 0), (1, 1), (0, 0))
    ),
    "reduce_sum": lambda x: x.sum((0, 2)),
    "reduce_max": lambda x: x.max(1),
    "reduce_min": lambda x: x.min(-1),
    "reduce_prod": lambda x: x.prod(1),
    "reduce_or": lambda x: (x > 1).any(1),
    "reduce_and": lambda x: (x > -1).all(1),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_of_plain_arrays(name):
    parity.same(PROGRAMS[name], x=parity.normal(2, 4, 15))


@pytest.mark.parametrize("name", PROGRAMS)
def test_of_arrays_that_are_stored_otherwise(name):
    def program(x):
        moved = x.transpose(1, 2, 0).reshape(4, 3, 5, 2).transpose(3, 0, 1, 2)
        return PROGRAMS[name](moved.reshape(2, 4, 15))

    parity.same(program, x=parity.normal(2, 4, 15))


def test_every_operation_is_tried():
    assert {*PROGRAMS} == {*RULES}
    assert {*REDUCTIONS} < {*RULES}


def test_all_parts_of_an_array_stacked_are_the_array():
    ops = parity.same(
        lambda x: jnp.stack([x[:, i] for i in range(4)], 1) + 1,
        x=parity.normal(2, 4, 3),
    )
    assert not ops["Concat"]
    assert not ops["Slice"]


def test_nothing_is_joined_to_something():
    made = Graph()
    parts = [named("x", (2, 3), np.float32), named("y", (2, 0), np.float32)]
    assert concatenated(made, parts, 1) is parts[0]
    assert not made.nodes
    assert stacked(made, [parts[0], parts[0]], 0).shape == (2, 2, 3)
    assert channel_order(constant(np.ones((2, 3)))) == (0, 1)


def test_what_onnx_cannot_pad_is_named():
    with pytest.raises(ValueError, match="pads outside"):
        parity.same(
            lambda x: lax.pad(x, jnp.float32(0), ((0, 0, 1),)), x=parity.normal(3)
        )


def test_windows_run_over_the_last_two_axes():
    with pytest.raises(ValueError, match="last two axes"):
        parity.same(
            lambda x: lax.reduce_window(
                x, -jnp.inf, lax.max, (1, 2, 1, 1), (1,) * 4, "VALID"
            ),
            x=parity.normal(1, 4, 3, 3),
        )
    assert axes.RULES is RULES
