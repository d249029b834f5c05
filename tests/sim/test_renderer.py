import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.sim import renderer, sample
from ttjax.sim.renderer import Renderer


@pytest.fixture(scope="module")
def stages(spec, small_hall):
    """Shapes of what the stages hand on, of one key: nothing is compiled."""
    key = jax.random.key(0)

    def all_of(key):
        drawn = renderer.hall_of(key, small_hall)
        play = renderer.play_of(key, spec, small_hall)
        taken = renderer.take(key, drawn, play, spec, small_hall)
        return taken, renderer.clips_of(drawn, taken, spec, small_hall)

    return jax.eval_shape(all_of, key)


def test_a_take_holds_all_but_the_pixels(stages, spec):
    taken, clip = stages
    assert isinstance(taken, renderer.Take)
    assert taken.numbers.shape == (2, spec.window.frames)
    assert taken.seen.xy_px.shape == (2, spec.window.frames, 2)
    assert taken.canvas_xy.shape == (2, 2)
    assert taken.offsets.shape == (2, 2)
    assert clip.frames.shape == spec.batch(2).frames.shape
    assert clip.canvas.shape == spec.batch(2).canvas.shape


def test_without_a_local_stage_there_is_no_canvas(spec, small_hall):
    whole = dataclasses.replace(spec, canvas_hw=None)
    key = jax.random.key(0)

    def clip_of(key):
        drawn = renderer.hall_of(key, small_hall)
        play = renderer.play_of(key, whole, small_hall)
        taken = renderer.take(key, drawn, play, whole, small_hall)
        return renderer.clips_of(drawn, taken, whole, small_hall)

    assert jax.eval_shape(clip_of, key).canvas is None


def test_leading_axes_are_merged_where_nothing_is_labelled():
    tree = {"known": jnp.zeros((3, 2, 0)), "xy": jnp.arange(12.0).reshape(3, 2, 2)}
    made = renderer.merged(tree)
    assert made["known"].shape == (6, 0)
    np.testing.assert_array_equal(made["xy"], np.arange(12.0).reshape(6, 2))


def test_what_the_simulator_cannot_give_is_refused(spec, small_hall):
    with pytest.raises(ValueError, match="must fit"):
        Renderer(dataclasses.replace(spec, canvas_hw=(2000, 352)), small_hall)
    assert Renderer(spec, small_hall).compilations == 0


@pytest.mark.slow
def test_sizes_rigs_rates_and_varieties_share_one_compilation(spec):
    hall = sample.Hall(
        sizes=((270, 480), (360, 640)),
        rigs=("side", "phone"),
        fps=(25.0, 120.0),
        variety=1.0,
        stacks_per_hall=2,
    )
    run = Renderer(spec, hall)
    sizes = set()
    for seed in range(8):
        clip = run(jax.random.split(jax.random.key(seed), 1), jnp.float32(seed / 8))
        sizes.add(tuple(np.asarray(clip.source_hw[0]).tolist()))
        assert clip.frames.shape[0] == 2
        assert (np.asarray(clip.canvas_xy) % 8 == 0).all()
    assert sizes == {(270, 480), (360, 640)}
    assert run.compilations == 1


@pytest.mark.slow
def test_a_ball_alone_is_drawn_without_events_and_masks(spec, small_hall):
    alone = dataclasses.replace(spec, events=(), masks=())
    clip = Renderer(alone, small_hall)(jax.random.split(jax.random.key(0), 1))
    due = alone.batch(small_hall.stacks_per_hall)
    assert clip.labels.masks.shape == due.labels.masks.shape
    assert clip.labels.event_offset.shape == due.labels.event_offset.shape
    assert np.ptp(clip.frames) > 50
