import json

import pytest

from tests.export import nets
from ttjax import checkpoints
from ttjax.export.__main__ import export, main, size_of
from ttjax.ttnet import config, task


def test_a_checkpoint_is_exported_from_the_command_line(tmp_path, monkeypatch, capsys):
    tiny = task.Task(
        config=config.nano(
            frame_hw=(64, 64), crop_hw=(64, 64), width=0.25, heads=("ball_global",)
        )
    )
    variables = nets.brightest.drawn(tiny.config.abstract_variables())
    loaded = {"run": (tiny, variables, {"step": 3})}
    monkeypatch.setattr(checkpoints, "load", lambda path, _: loaded[path.name])
    (tmp_path / "run").mkdir()
    out = tmp_path / "out"
    given = [str(tmp_path / "run"), str(out), "--onnx", "--size", "72x80"]
    main([*given, "--dtype", "bfloat16"])
    said = json.loads((out / "config.json").read_text())
    assert said["size_hw"] == [72, 80]
    assert said["task"]["config"]["compute_dtype"] == "bfloat16"
    printed = capsys.readouterr().out.splitlines()
    assert [line.split(" (")[0] for line in printed] == [
        str(out / name)
        for name in (
            "model.onnx",
            "frames.stablehlo",
            "views.stablehlo",
            "load.py",
            "config.json",
        )
    ]
    assert callable(export)


def test_a_size_is_height_by_width():
    assert size_of("1080x1920") == (1080, 1920)
    for text in ("1080", "1080 x 1920", "x", "-1x2"):
        with pytest.raises(ValueError, match="HEIGHTxWIDTH"):
            size_of(text)
