import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from tests.export import nets
from ttjax.export import files, load

PROGRAM = """
import json, sys
import numpy as np
from load import load
network = load("frames")
found = network({"frames": np.load("frames.npy")})
assert not {"ttjax", "flax"} & sys.modules.keys()
print(json.dumps({name: np.asarray(value).tolist() for name, value in found.items()}))
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("export")
    network = nets.ttnet(heads=("ball_global",))
    return network, files.write(network, out, nets.SIZE), out


def test_the_loader_needs_neither_ttjax_nor_flax(written):
    network, _, out = written
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, *nets.SIZE, 3), np.uint8)
    np.save(out / "frames.npy", frames)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=out,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    program = files.Program(network, nets.SIZE)
    want = jax.jit(lambda frames: program(frames=frames))(frames)
    assert found.keys() == want.keys()
    for name, value in want.items():
        np.testing.assert_allclose(found[name], value, atol=1e-4)


def test_the_loader_is_short():
    with open(load.__file__) as file:
        assert len(file.readlines()) <= 20
    with pytest.raises(FileNotFoundError, match=r"nothing\.stablehlo"):
        load.load("nothing")
