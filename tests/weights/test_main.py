import subprocess
import sys

import pytest

from tests.weights import runs
from ttjax import mains
from ttjax.weights import shipped
from ttjax.weights.__main__ import list_all, main, publish, show


def test_weights_are_published_listed_and_shown(run, tmp_path, capsys):
    path = runs.evaluation(tmp_path / "far_side", "runs/toy/checkpoints/7")
    home = ["--directory", str(tmp_path / "home")]
    given = ["--scores", str(path), "--no-ema", "--limits", "It is a toy."]
    main(["publish", str(run), "toy-sim", *home, *given])
    printed = capsys.readouterr().out.splitlines()
    folder = tmp_path / "home" / "toy-sim"
    assert [line.split(" (")[0] for line in printed] == [
        str(path) for path in sorted(folder.iterdir())
    ]
    assert "It is a toy." in (folder / "README.md").read_text()
    main(["list", *home])
    listed = capsys.readouterr().out
    assert "toy-sim" in listed
    assert "1.5 min  Apache-2.0" in listed
    main(["show", str(folder)])
    shown = capsys.readouterr().out
    assert shown.startswith("# toy-sim\n")
    assert "Source: `sim`" in shown
    assert "0.950 to 1.000" in shown
    assert callable(publish)


def test_where_nothing_is_the_list_says_so(tmp_path, capsys):
    list_all(tmp_path)
    assert capsys.readouterr().out == f"There are no weights in {tmp_path}.\n"


def test_a_refusal_is_one_line(tmp_path, capsys):
    run = runs.save(tmp_path / "run", runs.metadata(runs.CLIPS))
    command = ["publish", str(run), "toy-sim", "--directory", str(tmp_path / "home")]
    assert mains.guarded(lambda: main(command)) == mains.EXIT_CODE
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: Weights that ship saw simulated data alone")
    assert said.err.count("\n") == 1


def test_a_run_is_not_shown(run, home):
    with pytest.raises(ValueError, match="Published weights are shown"):
        show(str(run))
    show("toy-sim")
    assert shipped.names() == ("toy-sim",)


def test_the_commands_explain_themselves():
    done = subprocess.run(
        [sys.executable, "-m", "ttjax.weights", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(word in done.stdout for word in ("publish", "list", "show"))
