import json
import os
import pathlib
import subprocess
import sys

import pytest

from ttjax import mains, recipe


def fail(error: Exception):
    def main() -> int:
        raise error

    return main


def test_a_main_that_ends_well_gives_its_code(capsys: pytest.CaptureFixture[str]):
    assert mains.guarded(lambda: None) == 0
    assert mains.guarded(lambda: 3) == 3
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "main",
    [
        lambda: recipe.Phase(steps=0),
        lambda: pathlib.Path("/nowhere/at/all").read_text(),
        fail(PermissionError(13, "Permission denied", "runs")),
        fail(BrokenPipeError(32, "Broken pipe")),
    ],
)
def test_errors_of_the_user_s_making_are_one_line(
    main, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert mains.guarded(main) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert told.err.count("\n") == 1
    monkeypatch.setenv(mains.TRACEBACK, "1")
    with pytest.raises((ValueError, OSError)):
        mains.guarded(main)


def test_bugs_keep_their_traceback():
    with pytest.raises(json.JSONDecodeError):  # a ValueError, but of the json module
        mains.guarded(lambda: json.loads("{"))
    with pytest.raises(TypeError):
        mains.guarded(fail(TypeError("a bug")))


def test_is_ours():
    assert mains.is_ours(OSError())
    assert not mains.is_ours(ValueError("never raised"))


def test_output_that_nobody_reads_any_more_ends_without_a_word():
    code = "from ttjax import mains; import sys; "
    code += "sys.exit(mains.guarded(lambda: print('line\\n' * 100_000)))"
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert os.read(read, 5) == b"line\n"
    os.close(read)
    _, told = process.communicate(timeout=60)
    assert process.returncode == mains.UNREAD
    assert told == ""


def test_a_keyboard_interrupt_is_no_error():
    def main() -> int:
        raise KeyboardInterrupt

    assert mains.guarded(main) == 130
