import numpy as np
import pytest

from ttjax.sim import __main__ as program
from ttjax.sim import export, preview


def test_both_commands_explain_themselves(capsys):
    for command in ("export", "preview"):
        with pytest.raises(SystemExit) as stop:
            program.main([command, "--help"])
        assert stop.value.code == 0
        assert "seed" in capsys.readouterr().out


def test_export_passes_its_settings_on(monkeypatch, tmp_path, capsys):
    seen = {}

    def write(root, rallies, plan, *, workers, advance):
        seen.update(root=root, rallies=rallies, seed=plan.seed, workers=workers)
        advance()
        return []

    monkeypatch.setattr(export, "write", write)
    code = program.main(
        ["export", str(tmp_path), "--rallies", "3", "--seed", "5", "--seconds", "1"]
    )
    assert code == 0
    assert seen == {"root": tmp_path, "rallies": 3, "seed": 5, "workers": 2}
    assert "3 rallies" in capsys.readouterr().out
    with pytest.raises(ValueError, match="--workers"):
        program.export_rallies(tmp_path, 1, 1.0, 0, 0, 4, 20)


def test_preview_writes_an_image(monkeypatch, tmp_path):
    cv2 = pytest.importorskip("cv2")
    sheet = np.full((10, 20, 3), 7, np.uint8)

    monkeypatch.setattr(preview, "sheet", lambda key, rows: sheet)
    out = tmp_path / "deep" / "sheet.png"
    assert program.main(["preview", str(out), "--rows", "2"]) == 0
    assert cv2.imread(str(out)).mean() == 7
    assert program.write_preview(out, 2, 1) == 0
