import io
import pathlib
import re
import sys
import types

import numpy as np
import pytest
import rich.console

from ttjax.train import report
from ttjax.train.journal import Journal

EPOCH = report.Epoch(
    phase="train",
    epoch=3,
    step=300,
    progress=0.3,
    eta_s=754.0,
    loss=1.25,
    terms={"ball": 0.125, "events": 0.5},
    sigmas={"ball": 0.5},
    learning_rate=1e-3,
    steps_per_s=12.5,
    seconds=60.0,
    validation={"loss": 1.5, "terms": {"ball": 0.25}, "metrics": {"pck": 0.875}},
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0:00"),
        (59.6, "1:00"),
        (754.0, "12:34"),
        (3661.0, "1:01:01"),
        (-1.0, "0:00"),
    ],
)
def test_clock(seconds, text):
    assert report.clock(seconds) == text


def test_short():
    assert report.short(0.123456) == "0.123"
    assert report.short(None) == "-"


def test_an_epoch_s_line_tells_terms_sigmas_validation_and_eta():
    assert EPOCH.line() == (
        "train epoch 3 | step 300 | loss 1.25 | ball 0.125 (sigma 0.5) | events 0.5 | "
        "validation loss 1.5, pck 0.875 | rate 1.0e-03 | 12.5 steps/s | ETA 12:34"
    )


def test_the_display_shows_a_bar_on_terminals_and_lines_everywhere():
    for terminal in (True, False):
        told = io.StringIO()
        console = rich.console.Console(
            file=told, force_terminal=terminal, width=120, highlight=False
        )
        with report.Display(console) as display:
            display.begin("warm-up")
            display.step(0.5, 30.0, {"ball": 0.25})
            display.begin("main")
            display.step(0.5, 30.0, {"ball": 0.25})
            display.say("a line [with] brackets")
        assert "a line [with] brackets" in re.sub(
            r"\x1b\[[0-9;]*m", "", told.getvalue()
        )
        assert ("ball 0.25" in told.getvalue()) is terminal
        assert ("ETA 0:30" in told.getvalue()) is terminal


def test_curves_are_drawn_from_the_log(tmp_path: pathlib.Path):
    with Journal(tmp_path) as log:
        log.write("begin", 0)
        for step in (1, 2, 3):
            log.write("steps", step, terms={"ball": 1.0 / step, "events": None})
        seen = {"terms": {"ball": 0.5}}
        log.write("epoch", 3, validation=seen)
        log.write("epoch", 6, validation=None)
    path = report.draw_curves(tmp_path)
    assert path == tmp_path / "loss.png"
    assert path.read_bytes().startswith(b"\x89PNG")


def test_tensorboard_gets_every_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
):
    written = {}

    class SummaryWriter:
        def __init__(self, path: str):
            written["path"] = path

        def add_scalar(self, tag: str, value: float, step: int):
            written[tag] = (value, step)

        def add_image(self, tag: str, picture, step: int, dataformats: str):
            written[tag] = (picture.shape, step, dataformats)

        def flush(self):
            written["flushed"] = True

        def close(self):
            written["closed"] = True

    fake = types.SimpleNamespace(SummaryWriter=SummaryWriter)
    monkeypatch.setitem(sys.modules, "tensorboardX", fake)
    monkeypatch.setitem(sys.modules, "PIL.Image", types.ModuleType("PIL.Image"))
    pictures = [np.zeros((4, 6, 3), np.uint8), np.zeros((5, 7, 3), np.uint8)]
    with report.TensorBoard.where(tmp_path, wanted=True) as board:
        assert board is not None
        board.epoch(EPOCH, pictures)
    assert written == {
        "path": str(tmp_path / "tensorboard"),
        "train/loss": (1.25, 300),
        "train/ball": (0.125, 300),
        "train/events": (0.5, 300),
        "sigma/ball": (0.5, 300),
        "learning_rate": (1e-3, 300),
        "validation/loss": (1.5, 300),
        "validation/ball": (0.25, 300),
        "validation/pck": (0.875, 300),
        "overlay/0": ((4, 6, 3), 300, "HWC"),
        "overlay/1": ((5, 7, 3), 300, "HWC"),
        "flushed": True,
        "closed": True,
    }
    with report.TensorBoard.where(tmp_path, wanted=False) as board:
        assert board is None


@pytest.mark.parametrize("lacking", ["tensorboardX", "PIL.Image"])
def test_without_a_package_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, lacking: str
):
    for name in ("tensorboardX", "PIL.Image"):
        module = None if name == lacking else types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
    with pytest.raises(ImportError, match=f"{lacking}.*pip install tensorboardX"):
        report.TensorBoard(tmp_path)
