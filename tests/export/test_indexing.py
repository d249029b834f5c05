import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tests.export import parity
from ttjax.export import indexing
from ttjax.export.indexing import MOST_WINDOWS, RULES

INDEX = np.array([[0, 3, 2], [4, 4, 1]], np.int32)


def points(x, i):
    return jax.vmap(lambda row, at: row[at])(x, i)


PROGRAMS = {
    "along an axis": lambda x, i: jnp.take_along_axis(x, i[..., None], 1),
    "rows of each example": points,
    "rows": lambda x, i: x[0][i],
    "places": lambda x, i: jax.vmap(lambda m, at: m[at, at // 2])(x, i),
    "one": lambda x, i: jax.vmap(lambda m, at: m[at[0], at[1]])(x, i),
    "windows": lambda x, i: jax.vmap(
        lambda m, at: lax.dynamic_slice(m, (at[0], at[1]), (2, 3))
    )(x, i),
    "a window": lambda x, i: lax.dynamic_slice(x[0], (i[0, 1], 0), (2, 4)),
    "outside": lambda x, i: jax.vmap(
        lambda m, at: lax.dynamic_slice(m, (at[0] + 3, at[1] - 5), (2, 3))
    )(x, i),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_numbers_at_chosen_places(name):
    parity.same(PROGRAMS[name], x=parity.normal(2, 5, 4), i=INDEX)


def test_a_window_of_one_frame_is_cut_from_the_stack():
    def program(x, i):
        corner = (i[0, 0], i[0, 1], 0)
        return jnp.stack([lax.dynamic_slice(x[t], corner, (2, 3, 3)) for t in (0, 1)])

    stack = np.random.default_rng(0).integers(0, 255, (2, 5, 6, 3), np.uint8)
    parity.same(program, x=stack, i=INDEX)
    nodes = parity.model_of(program, x=stack, i=INDEX).graph.node
    assert [node.op_type for node in nodes if "x" in node.input] == ["Slice", "Slice"]


def test_more_windows_than_are_cut_one_by_one():
    index = np.zeros((MOST_WINDOWS + 1, 1), np.int32)
    with pytest.raises(ValueError, match=f"up to {MOST_WINDOWS} windows"):
        parity.same(
            lambda x, i: jax.vmap(lambda at: lax.dynamic_slice(x, (at[0],), (2,)))(i),
            x=parity.normal(5),
            i=index,
        )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_best_place_is_the_first_of_equals(axis):
    x = np.round(parity.normal(4, 5, 6))
    parity.same(lambda x: x.argmax(axis), x=x)
    parity.same(lambda x: x.transpose(2, 0, 1).argmin(axis), x=x)


@pytest.mark.parametrize("part", [0, 1])
def test_the_best_places_in_order(part):
    x = np.round(parity.normal(3, 20) * 3)
    parity.same(lambda x: lax.top_k(x, 7)[part], x=x)


def test_sums_at_places():
    def program(x, i):
        return jax.vmap(lambda row, at: jnp.zeros(5).at[at].add(row))(x, i)

    parity.same(program, x=parity.normal(2, 3), i=INDEX)
    with pytest.raises(ValueError, match="places of the last axis"):
        parity.same(lambda x, i: x.at[i[0]].add(1.0), x=parity.normal(5, 2), i=INDEX)
    assert indexing.RULES is RULES
    assert {*RULES} == {
        "argmax",
        "argmin",
        "top_k",
        "gather",
        "dynamic_slice",
        "scatter-add",
    }
