import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.sim import script, strokes
from ttjax.sim.physics import Ball, Physics
from ttjax.sim.script import Script


@pytest.fixture(scope="module")
def drawn() -> Script:
    draw = jax.jit(lambda key: script.draw(key, 8.0, 120, Physics(), 0.5))
    return draw(jax.random.key(4))


def test_there_is_a_row_for_every_stroke_and_point_that_may_come(drawn):
    assert drawn.answers.shape[0] >= 8 * script.STROKES_PER_S
    assert drawn.schedule.server.shape == drawn.plans.position.shape[:1]
    low, high = script.HOME_M[0]
    assert (np.asarray(drawn.home_m)[:, 0] >= low).all()
    assert (np.asarray(drawn.home_m)[:, 0] <= high).all()


def test_a_longer_script_begins_like_a_shorter_one(drawn):
    draw = jax.jit(lambda key: script.draw(key, 12.0, 120, Physics(), 0.5))
    longer = draw(jax.random.key(4))
    count = len(drawn.answers)
    np.testing.assert_array_equal(longer.answers[:count], drawn.answers)
    count = len(drawn.plans.position)
    np.testing.assert_allclose(
        longer.plans.velocity[:count], drawn.plans.velocity, atol=1e-3
    )


def test_strokes_and_serves_are_rows_of_the_script(drawn):
    ordinal, kind = jnp.int32(5), jnp.int32(strokes.LOB)
    aim = script.aim(drawn, ordinal, kind)
    meeting = script.meeting(drawn, ordinal, kind)
    assert aim.depth_m == drawn.aims.depth_m[5, strokes.LOB]
    assert meeting.reach_m == drawn.aims.reach_m[5, strokes.LOB]
    assert float(meeting.lowest_m) == pytest.approx(strokes.LOWEST_M[strokes.LOB])
    right: Ball = script.serve(drawn, jnp.int32(2), jnp.float32(1.0))
    left = script.serve(drawn, jnp.int32(2), jnp.float32(-1.0))
    np.testing.assert_array_equal(right.velocity, drawn.plans.velocity[2])
    np.testing.assert_array_equal(left.position[0], -right.position[0])
