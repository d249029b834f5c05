import jax
import jax.numpy as jnp
import pytest

from bench import kernels

MODULE = """HloModule jit_f, is_scheduled=true

%fused (p: f32[8]) -> f32[8] {
  %p = f32[8]{0} parameter(0)
  %a = f32[8]{0} sine(%p)
  ROOT %b = f32[8]{0} cosine(%a)
}

%body (t: (s32[], f32[8])) -> (s32[], f32[8]) {
  %t = (s32[], f32[8]{0}) parameter(0)
  %x = f32[8]{0} get-tuple-element(%t), index=1
  %f = f32[8]{0} fusion(%x), kind=kLoop, calls=%fused
  %c = f32[8]{0} copy(%f)
  ROOT %r = (s32[], f32[8]{0}) tuple(%t, %c)
}

%graph (q: f32[8]) -> f32[8] {
  %q = f32[8]{0} parameter(0)
  ROOT %g = f32[8]{0} fusion(%q), kind=kLoop, calls=%fused
}

ENTRY %main (z: f32[8]) -> f32[8] {
  %z = f32[8]{0} parameter(0)
  %k = s32[] constant(0)
  %i = (s32[], f32[8]{0}) tuple(%k, %z)
  %w = (s32[], f32[8]{0}) while(%i), condition=%cond, body=%body, \
backend_config={"known_trip_count":{"n":"3"}}
  %y = f32[8]{0} get-tuple-element(%w), index=1
  %v = f32[8]{0} bitcast(%y)
  %d = f32[8]{0} call(%v), to_apply=%graph
  %e = f32[8]{0} conditional(%k, %d, %d), branch_computations={%graph, %body}
  %s = (f32[8]{0}, f32[8]{0}) copy-start(%e)
  ROOT %h = f32[8]{0} copy-done(%s)
}
"""


def test_loops_calls_and_branches_count_what_they_run():
    # 3 * (fusion, copy), 1 of the call, 2 of the longer branch, 1 copy.
    assert kernels.count(MODULE) == 6 + 1 + 2 + 1


def test_a_compiled_program_has_a_kernel_a_dependent_product():
    def chain(x):
        for _ in range(7):
            x = x @ x
        return x

    text = jax.jit(chain).lower(jnp.eye(16)).compile().as_text()
    assert kernels.count(text) == 7
    assert "parameter" in kernels.FREE


def test_text_without_an_entry_is_an_error():
    with pytest.raises(ValueError, match="as_text"):
        kernels.count("HloModule empty\n")
