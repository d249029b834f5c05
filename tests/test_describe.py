import json

import pytest

from tests.train import toy
from tests.weights import runs
from ttjax import checkpoints, describe
from ttjax.ttnet import config as configs
from ttjax.ttnet import task as tasks
from ttjax.weights import shipped


def test_the_exact_network_is_described(capsys):
    assert describe.main(["ttnet", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parameters"] == 15_801_189
    assert round(found["gmac"], 3) == 5.257
    assert found["modules"]["global_encoder"]["parameters"] == 1_184_256
    assert round(found["modules"]["global_encoder"]["gmac"], 3) == 2.312
    for key in ("parameters", "gmac"):
        parts = sum(module[key] for module in found["modules"].values())
        assert parts == pytest.approx(found[key])
    assert found["inputs"]["frames"] == "uint8[1, 9, 128, 320, 3]"
    assert found["outputs"]["masks"] == "float32[1, 128, 320, 3]"


def test_the_table_names_every_module(capsys):
    assert describe.main(["nano"]) == 0
    printed = capsys.readouterr().out
    for name in ("global_encoder", "local_ball", "events", "masks", "ball_local.x"):
        assert name in printed


def test_a_checkpoint_directory_is_described_from_its_task(tmp_path, monkeypatch):
    task = tasks.Task(config=configs.nano(heads=("ball_global",)))
    monkeypatch.setattr(checkpoints, "load_task", {str(tmp_path): task}.__getitem__)
    found = describe.facts(describe.find_task(str(tmp_path)), "run")
    assert set(found["modules"]) == {"global_encoder", "global_ball"}
    assert not any("canvas" in path for path in found["inputs"] if path != "canvas_xy")


def test_weights_that_ship_are_described_by_their_name(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "HOME", runs.ship(tmp_path).parent)
    assert describe.find_task("toy-sim") == toy.Task()
    with pytest.raises(ValueError, match=r"deepsportlab_nano, toy-sim\) or a"):
        describe.find_task("toy-sum")


def test_an_unknown_name_gets_one_clear_error(tmp_path):
    with pytest.raises(ValueError, match=r"ttnet, resnet18, nano.*got 'yolo'"):
        describe.find_task("yolo")
    with pytest.raises(FileNotFoundError, match="holds no checkpoint"):
        describe.find_task(str(tmp_path))
