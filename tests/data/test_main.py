import json
import pathlib

import pytest
import tensorflow_datasets as tfds

from ttjax.datasets import __main__ as main  # pyright: ignore[reportMissingImports]


def test_dashes_are_as_good_as_underscores():
    assert main.underscored("--manual-dir=a-b") == "--manual_dir=a-b"
    assert main.underscored("--skip-bad") == "--skip_bad"
    assert main.underscored("a-b") == "a-b"


def test_anything_but_build_is_explained(capsys):
    assert main.main(["--help"]) == 0
    assert "'openttgames', 'tracknet'" in capsys.readouterr().out
    assert main.main(["bild"]) == 2
    with pytest.raises(ValueError, match="Name what to build"):
        main.build([])


def test_a_command_builds_and_reports_what_it_left_out(dummy, tmp_path, capsys):
    folder = dummy("tracknet")
    (folder / "hall_1" / "serve.csv").write_text("what?\n")
    data_dir = tmp_path / "tfds"
    command = ["build", "tracknet", f"--manual-dir={folder}", "--skip-bad"]
    command += ["--data-dir", str(data_dir), "--hidden", "absent", "--workers", "1"]
    assert main.main(command) == 0
    path = data_dir / "tracknet" / "hidden_absent" / "1.0.0"
    (left_out,) = json.loads((path / "skipped.json").read_text())
    assert left_out["clip"] == "hall_1/serve"
    assert "serve.csv" in left_out["error"]
    assert "left out hall_1/serve" in capsys.readouterr().out
    builder = tfds.builder("tracknet/hidden_absent", data_dir=str(data_dir))
    sizes = {name: info.num_examples for name, info in builder.info.splits.items()}
    assert sizes == {"validation": 52, "test": 52}
    assert pathlib.Path(path / "dataset_info.json").exists()
