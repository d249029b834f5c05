import numpy as np
import pytest

from ttjax.sim import __main__ as program
from ttjax.sim import export, preview


def test_all_commands_explain_themselves(capsys):
    for command in ("export", "preview", "rigs", "strip"):
        with pytest.raises(SystemExit) as stop:
            program.main([command, "--help"])
        assert stop.value.code == 0
        assert "seed" in capsys.readouterr().out


def test_export_passes_its_settings_on(monkeypatch, tmp_path, capsys):
    seen = {}

    def write(root, rallies, plan, *, workers, advance):
        seen.update(root=root, rallies=rallies, seed=plan.seed, workers=workers)
        seen.update(hall=plan.hall)
        advance()
        return []

    monkeypatch.setattr(export, "write", write)
    code = program.main(
        ["export", str(tmp_path), "--rallies", "3", "--seed", "5", "--seconds", "1"]
    )
    assert code == 0
    assert seen.pop("hall").fps == (120.0, 120.0)
    assert seen == {"root": tmp_path, "rallies": 3, "seed": 5, "workers": 2}
    assert "3 rallies" in capsys.readouterr().out
    with pytest.raises(ValueError, match="--workers"):
        program.export_rallies(tmp_path, 1, 1.0, 0, 0, 4, 20)


@pytest.mark.parametrize(
    ("command", "function"),
    [("preview", "sheet"), ("rigs", "rig_sheet"), ("strip", "strip")],
)
def test_pictures_are_written_of_the_halls_that_are_asked_for(
    monkeypatch, tmp_path, command, function
):
    cv2 = pytest.importorskip("cv2")
    picture, halls = np.full((10, 20, 3), 7, np.uint8), []

    def make(key, *args, hall=None):
        halls.append(hall or args[-1])
        return picture

    monkeypatch.setattr(preview, function, make)
    out = tmp_path / "deep" / "sheet.png"
    options = ["--rig", "side", "phone", "--variety", "0.5", "--fps", "30"]
    options += ["--size", "720", "1280"]
    assert program.main([command, str(out), *options]) == 0
    assert cv2.imread(str(out)).mean() == 7
    (hall,) = halls
    assert hall == program.hall_of(("side", "phone"), (720, 1280), 30.0, 0.5)
    assert hall.rigs == ("side", "phone")
    assert (hall.sizes, hall.fps) == (((720, 1280),), (30.0, 30.0))
    assert program.write_image(out, picture) == 0
