import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.sim import scene
from ttjax.sim.camera import RIGS


@pytest.fixture(scope="module")
def draw():
    """Size, rig, variety and rates are all traced: compiled once."""

    def run(key, source_hw, rig, variety, low, high):
        return scene.draw(key, source_hw, rig, variety, (low, high))

    compiled = jax.jit(run)

    def one(seed, *, size=(720, 1280), rig="side", variety=0.0, rates=(120, 120)):
        rates = (jnp.float32(rate) for rate in rates)
        size = jnp.array(size, jnp.int32)
        number = jnp.int32(RIGS.index(rig))
        key = jax.random.key(seed)
        return compiled(key, size, number, jnp.float32(variety), *rates)

    return one


def _colours(made):
    room = made.room
    yield from (room.curtain, room.floor, room.papers, room.inks, room.ceiling)
    yield from (made.people.colours, made.ball_colour)


def test_halls_differ_and_every_colour_can_be_shown(draw):
    for variety in (0.0, 1.0):
        first, other = draw(3, variety=variety), draw(4, variety=variety)
        assert isinstance(first, scene.Scene)
        for name in ("seed", "distractors", "ball_colour"):
            ours, theirs = (np.asarray(getattr(s, name)) for s in (first, other))
            assert (ours != theirs).any(), name
        for made in (first, other):
            for values in map(np.asarray, _colours(made)):
                assert values.min() >= 0.0
                assert values.max() <= 255.0
            assert made.distractors.shape == (scene.DISTRACTORS, 8)
            assert made.people.height.shape == (2,)


def test_a_scene_has_the_same_shapes_on_every_rig_and_all_are_finite(draw):
    made = [draw(1, rig=rig, variety=1.0, rates=(25, 60)) for rig in RIGS]
    for one, rig in zip(made, range(len(RIGS)), strict=True):
        assert int(one.rig) == rig
        np.testing.assert_array_equal(one.source_hw, [720, 1280])
        for part in (one.static, one.table, one.moved):
            for leaf in jax.tree.leaves(part):
                assert np.isfinite(np.asarray(leaf)).all()
        assert 24.0 <= float(one.film.fps) <= 60.0


def test_the_plain_hall_is_never_pushed_and_others_may_be(draw):
    assert all(float(draw(k).push_s) == np.inf for k in range(6))
    times = [float(draw(k, variety=1.0).push_s) for k in range(40)]
    pushed = [t for t in times if np.isfinite(t)]
    assert 0 < len(pushed) < 0.5 * len(times)
    assert scene.PUSH_S[0] <= min(pushed) <= max(pushed) <= scene.PUSH_S[1]
    assert 0.0 < scene.PUSHED < 1.0


def test_a_pushed_table_moves_by_its_push(draw):
    made = draw(5)
    low, high = scene.PUSH_M
    push = np.asarray(made.push_m)
    assert (np.abs(push) >= low).all()
    assert (np.abs(push) <= high).all()
    # Px per metre at the distance of the table.
    scale = float(made.camera.focal_px) / 4.2
    plates = np.asarray(made.table.alpha) > 0
    moved = (np.asarray(made.moved.box) - np.asarray(made.table.box))[plates, 0]
    assert np.sign(np.median(moved)) == np.sign(push[0])
    assert 0.5 * abs(push[0]) * scale < abs(np.median(moved)) < 2.0 * high * scale


def test_another_size_is_the_same_hall(draw):
    small, large = draw(7, size=(360, 640)), draw(7, size=(720, 1280))
    np.testing.assert_allclose(
        2 * np.asarray(small.table.box), large.table.box, atol=0.3
    )
    np.testing.assert_array_equal(small.room.curtain, large.room.curtain)
    np.testing.assert_allclose(
        2 * np.asarray(small.distractors[:, :4]), large.distractors[:, :4], atol=1e-2
    )
