import dataclasses
import pathlib

import pytest

from ttjax import registry
from ttjax.sim.data import Simulation
from ttjax.train import arguments

FOLDER = pathlib.Path(__file__).parents[2] / "train"


def test_only_the_data_differ(tmp_path):
    made = arguments.load(FOLDER / "ttnet_shuttle_mixed.py").recipe(tmp_path)
    base = arguments.load(FOLDER / "ttnet_shuttle.py").recipe(tmp_path)
    real, simulated = made.data.parts
    assert dataclasses.replace(made, data=base.data, out=base.out) == base
    assert real.data == base.data
    assert isinstance(simulated.data.data, Simulation)
    share = simulated.weight / (real.weight + simulated.weight)
    assert share == pytest.approx(
        arguments.load(FOLDER / "ttnet_shuttle_mixed.py").SHARE
    )
    assert registry.decode(registry.encode(made)) == made
