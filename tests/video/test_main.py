import json
import subprocess
import sys

import numpy as np
import pytest

from tests import brightest
from ttjax import mains
from ttjax.media.writer import VideoWriter
from ttjax.video import analyse as analysis
from ttjax.video.__main__ import SHIPPED, analyse, main
from ttjax.video.analyse import Summary


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, fps=50, size_hw=(24, 36)) as video:
        for frame in brightest.video(6)[0]:
            video.write(frame)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    data = {"type": "nobody reads this", "fps": 120.0}
    folder = tmp_path_factory.mktemp("run")
    return brightest.save(folder, brightest.Task(), brightest.VARIABLES, data)


def test_a_clip_is_analysed_from_the_command_line(clip, run, tmp_path, capsys):
    out = tmp_path / "out"
    main(["analyse", str(clip), "--checkpoint", str(run), "--out", str(out)])
    header, *records = map(json.loads, (out / "frames.jsonl").read_text().splitlines())
    assert header["checkpoint"] == str(run)
    assert len(records) == 6
    said = capsys.readouterr()
    assert "6 frames in" in said.out
    assert str(out / "overlay.mp4") in said.out
    assert said.err.count("note: this video has 50 frames/s") == 1


def test_the_overlay_can_be_switched_off(clip, run, tmp_path):
    out = tmp_path / "out"
    given = [str(clip), "--checkpoint", str(run), "--out", str(out)]
    main(["analyse", *given, "--no-overlay", "--masks"])
    assert [path.name for path in out.iterdir()] == ["frames.jsonl"]
    assert callable(analyse)


def test_people_of_a_model_without_any_give_one_line(clip, run, tmp_path, capsys):
    given = [str(clip), "--checkpoint", str(run), "--out", str(tmp_path / "out")]
    assert mains.guarded(lambda: main(["analyse", *given, "--coco"])) == 2
    assert "leave out `coco`" in capsys.readouterr().err


def test_wrong_arguments_give_one_line(clip, tmp_path, capsys):
    missing, noise = tmp_path / "missing.mp4", tmp_path / "noise.mp4"
    noise.write_bytes(np.arange(99, dtype=np.uint8).tobytes())
    rest = ["--checkpoint", str(tmp_path / "no_run"), "--out", str(tmp_path / "out")]
    for path, words in {
        missing: "missing.mp4",
        clip: "no_run is none",
        noise: "noise.mp4",
    }.items():
        command = ["analyse", str(path), *rest]
        assert mains.guarded(lambda command=command: main(command)) == 2
        said = capsys.readouterr().err
        assert words in said
        assert len(said.splitlines()) == 1
    done = subprocess.run(
        [sys.executable, "-m", "ttjax.video", "analyse", str(missing), *rest],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == mains.EXIT_CODE
    assert "missing.mp4" in done.stderr
    assert (done.stderr.count("\n"), done.stdout) == (1, "")
    assert not (tmp_path / "out").exists()


def test_a_short_video_gives_one_line_with_both_counts(run, tmp_path, capsys):
    path = tmp_path / "short.mp4"
    with VideoWriter(path, fps=50, size_hw=(24, 36)) as video:
        for frame in brightest.video(2)[0]:
            video.write(frame)
    out = ["--checkpoint", str(run), "--out", str(tmp_path / "out")]
    assert mains.guarded(lambda: main(["analyse", str(path), *out])) == 2
    errors = [e for e in capsys.readouterr().err.splitlines() if "error:" in e]
    assert len(errors) == 1
    assert "3 frames" in errors[0]
    assert "has 2" in errors[0]


def test_what_a_model_had_no_room_for_is_said(clip, run, tmp_path, capsys, monkeypatch):
    done = Summary(6, 1.0, tmp_path / "frames.jsonl", None, truncated=2)
    monkeypatch.setattr(analysis, "analyse", lambda *_, **__: done)
    given = [str(clip), "--checkpoint", str(run), "--out", str(tmp_path / "out")]
    main(["analyse", *given])
    said = capsys.readouterr()
    assert "note: in 2 of 6 frames there was more than the decoder" in said.err
    assert str(done.jsonl) in said.out


def test_the_shipped_weights_analyse_where_no_others_are_named(
    clip, tmp_path, monkeypatch
):
    taken = []

    def analyse(_, loaded, out, *, checkpoint, **__):
        taken.append((loaded.task, checkpoint))
        return Summary(6, 1.0, out / "frames.jsonl", None)

    monkeypatch.setattr(analysis, "analyse", analyse)
    main(["analyse", str(clip), "--out", str(tmp_path / "out"), "--no-cache"])
    ((task, name),) = taken
    assert (name, task.window.frames) == (str(SHIPPED), 9)
