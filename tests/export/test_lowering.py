import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tests.export import parity
from ttjax.export import lowering
from ttjax.export.graph import Graph, constant
from ttjax.export.lowering import CALLS, LONGEST_LOOP, RULES


def test_programs_within_programs_are_written_out():
    @jax.custom_jvp
    def doubled(x):
        return 2 * x

    doubled.defjvp(lambda x, dx: (doubled(x[0]), 2 * dx[0]))

    def program(x):
        return jax.checkpoint(jnp.exp)(jax.jit(doubled)(x))

    parity.same(program, x=parity.normal(3))
    assert "jit" in CALLS


@pytest.mark.parametrize("reverse", [False, True])
def test_a_loop_is_written_round_by_round(reverse):
    def program(x):
        def body(total, row):
            return total + row, total * row

        total, rows = lax.scan(body, jnp.zeros(4), x, reverse=reverse)
        return rows + total[None]

    parity.same(program, x=parity.normal(3, 4))


def test_a_loop_that_counts_costs_no_arithmetic():
    def program(x):
        return lax.fori_loop(0, 3, lambda i, y: jnp.maximum(y, x[i][None]), x)

    ops = parity.same(program, x=parity.normal(3, 4))
    assert not ops["Less"]
    assert ops["Max"] == 3


def test_of_platforms_the_default_is_taken():
    def program(x):
        return lax.platform_dependent(x, cpu=lambda x: x, default=lambda x: x + 1)

    model = parity.model_of(program, x=parity.normal(3))
    x = parity.normal(3)
    np.testing.assert_allclose(parity.run(model, {"x": x})["out"], x + 1)


def test_what_depends_on_the_inputs_is_no_branch():
    with pytest.raises(ValueError, match="chosen when it is exported"):
        parity.same(
            lambda x: lax.cond(x[0] > 0, lambda: x, lambda: -x), x=parity.normal(3)
        )
    rounds = LONGEST_LOOP + 1
    with pytest.raises(ValueError, match=f"at most {LONGEST_LOOP} rounds"):
        parity.same(
            lambda x: lax.fori_loop(0, rounds, lambda i, y: y * x, x),
            x=parity.normal(3),
        )


def test_an_operation_without_a_rule_is_named():
    assert "sort" not in RULES
    with pytest.raises(ValueError, match="'sort'"):
        parity.same(jnp.sort, x=parity.normal(3))


def test_results_have_their_names_whatever_their_order():
    shapes = {
        "b": jax.ShapeDtypeStruct((2,), np.float32),
        "a": jax.ShapeDtypeStruct((), np.float32),
    }
    model = lowering.model(lambda b, a: {"y": b, "x": a + 1, "z": a + b}, shapes)
    given = {"a": np.float32(1), "b": np.array([3, 4], np.float32)}
    found = parity.run(model, {k: np.asarray(v) for k, v in given.items()})
    assert found["x"] == 2
    np.testing.assert_array_equal(found["y"], [3, 4])
    np.testing.assert_array_equal(found["z"], [4, 5])


def test_a_program_runs_on_values():
    traced = jax.make_jaxpr(lambda x: x + 1)(np.float32(1))
    (found,) = lowering.run(Graph(), traced, [constant(np.float32(2))])
    assert found.stored == 3
