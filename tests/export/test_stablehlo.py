from typing import Any

import jax
import numpy as np
import pytest
from jax import export

from tests.export import nets
from ttjax.export import stablehlo
from ttjax.export.program import FRAMES, Program
from ttjax.export.stablehlo import BATCH, PLATFORMS
from ttjax.ttnet import config


def drawn(program, batch):
    draw = np.random.default_rng(batch)
    return {
        name: draw.integers(0, 256, leaf.shape, np.uint8)
        for name, leaf in program.inputs(batch).items()
    }


BALL: Any = {"heads": ("ball_global", "ball_local")}

MADE = {
    "frames": lambda: Program(nets.ttnet(**BALL), nets.SIZE),
    "views": lambda: Program(nets.ttnet(dtype="bfloat16", **BALL), nets.SIZE, True),
    "deepsportlab": lambda: Program(nets.deepsportlab(), nets.SIZE, from_views=True),
}


@pytest.fixture(scope="module", params=MADE)
def pair(request):
    program = MADE[request.param]()
    data = stablehlo.serialised(program)
    return program, export.deserialize(bytearray(data))


def test_any_batch_gives_the_networks_own_answers(pair):
    program, read = pair
    assert read.platforms == PLATFORMS == ("cpu", "cuda")
    ours, theirs = jax.jit(lambda arrays: program(**arrays)), jax.jit(read.call)
    for batch in (1, 3) if program.inputs().keys() == {FRAMES} else (2,):
        arrays = drawn(program, batch)
        found, want = theirs(arrays), ours(arrays)
        assert found.keys() == want.keys()
        for name, value in want.items():
            np.testing.assert_allclose(found[name], value, atol=1e-4, err_msg=name)


def test_another_shape_gets_a_clear_error(pair):
    program, read = pair
    arrays = {name: leaf[:, :, :-1] for name, leaf in drawn(program, 1).items()}
    with pytest.raises(ValueError, match=r"[Ss]hape"):
        read.call(arrays)


@pytest.mark.parametrize(
    "make", [config.nano, config.ttnet, config.resnet18], ids=lambda make: make.__name__
)
def test_the_batch_is_a_symbol_with_every_head(make):
    made = stablehlo.exported(Program(nets.ttnet(make), nets.SIZE))
    (aval,) = made.in_avals
    assert str(aval.shape[0]) == BATCH
