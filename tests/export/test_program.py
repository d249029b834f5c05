import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.export import nets
from ttjax.export import program
from ttjax.export.program import FRAMES, UNITS, VIEWS, Program, described, named, unit
from ttjax.samples import FramePool


@pytest.fixture(scope="module")
def network():
    return nets.ttnet()


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(0).integers(0, 256, (2, 3, *nets.SIZE, 3), np.uint8)


def test_both_programs_answer_as_the_network(frames):
    network = nets.ttnet(heads=("ball_global", "ball_local"))
    sample = network.task.sample

    @jax.jit
    def direct(frames):
        small = sample.view(frames.reshape(-1, *nets.SIZE, 3))
        views = small.reshape(2, 3, *small.shape[1:])
        at = jnp.arange(6, dtype=jnp.int32).reshape(2, 3)
        pool = FramePool(frames.reshape(-1, *nets.SIZE, 3), at)
        example = sample.example(views, pool, nets.SIZE)
        return views, network.answer(network.variables, example)

    views, want = direct(frames)
    whole = jax.jit(Program(network, nets.SIZE).answer)(frames=frames)
    small = jax.jit(Program(network, nets.SIZE, from_views=True).answer)
    for found in (whole, small(views=views, frames=frames)):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), found, want
        )


def test_arrays_have_their_paths_as_names(network):
    made = Program(network, nets.SIZE)
    found = jax.eval_shape(lambda x: made(frames=x), made.inputs(2)[FRAMES])
    assert {"ball_local.xy_px", "events", "masks", "crop_xy"} < found.keys()
    assert found["ball_local.xy_px"].shape == (2, 2)
    bare = Program(network, nets.SIZE, masks=False)
    assert named(made.abstract).keys() - named(bare.abstract).keys() == {"masks"}


def test_a_description_names_shapes_and_units(network):
    said = described(Program(network, nets.SIZE, from_views=True))
    assert said["inputs"][VIEWS] == {"dtype": "uint8", "shape": ["b", 3, 64, 64, 3]}
    assert said["inputs"][FRAMES]["shape"] == ["b", 3, 80, 96, 3]
    ball = said["outputs"]["ball_global.xy_px"]
    assert ball == {
        "dtype": "float32",
        "shape": ["b", 2],
        "unit": "pixels of the source frame",
    }
    assert said["outputs"]["events"]["unit"] == UNITS["events"] == "probability"
    assert unit("ball_local.present") == "1"


def test_a_family_without_crops_takes_views_alone():
    made = Program(nets.deepsportlab(), nets.SIZE, from_views=True)
    assert {*made.inputs()} == {VIEWS}
    assert {"joints_px", "overflow.cells"} < {*named(made.abstract)}


def test_what_cannot_be_looked_at_is_refused(network):
    with pytest.raises(ValueError, match="at least as large"):
        Program(network, (32, 32))
    with pytest.raises(ValueError, match="got none"):
        Program(network, nets.SIZE).answer()
    assert program.Program is Program
