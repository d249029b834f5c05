import dataclasses
import json

import numpy as np
import pytest

from tests import made_scenes
from ttjax.formats import deepsport


def same(one, other):
    for name, value in vars(one).items():
        np.testing.assert_array_equal(getattr(other, name), value)


def test_read_inverts_write(tmp_path):
    instants = made_scenes.instants()
    deepsport.write(tmp_path, reversed(instants))
    found = deepsport.read(tmp_path)
    assert [one.name for one in found] == sorted(one.name for one in instants)
    for one, other in zip(found, instants, strict=True):
        assert isinstance(one, deepsport.Instant)
        for field in dataclasses.fields(one):
            if field.name not in ("balls", "players"):
                assert getattr(one, field.name) == getattr(other, field.name)
        same(one.balls[0], other.balls[0])
        same(one.players[0], other.players[0])
        assert isinstance(one.balls[0], deepsport.Ball)
        assert isinstance(one.players[0], deepsport.Player)


def test_files_lie_where_the_layout_says(tmp_path):
    instant = made_scenes.instants()[0]
    view = "KS-FR-BLOIS/24330/camcourt2_1513710529019"
    assert instant.view(1) == view
    assert instant.picture_file(tmp_path, 1) == tmp_path / f"{view}_0.png"
    assert instant.calibration_file(tmp_path, 1) == tmp_path / f"{view}.json"
    assert instant.humans_file(tmp_path, 1) == tmp_path / f"{view}_humans.png"


def test_lenses_are_kept_and_half_a_pixel_moves_at_the_border(tmp_path):
    lens = made_scenes.lens()
    deepsport.write_lens(tmp_path / "a.json", lens)
    same(deepsport.read_lens(tmp_path / "a.json"), lens)
    raw = json.loads((tmp_path / "a.json").read_text())["calibration"]
    assert raw["KK"] == [60, 0, 31.5, 0, 60, 23.5, 0, 0, 1]
    assert (raw["img_width"], raw["img_height"]) == (64, 48)
    found = deepsport.parse_lens(deepsport.lens_json(lens), "x")
    assert isinstance(found, deepsport.Lens)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KK", [1.0] * 8),
        ("kc", [0.0, 0, 0, 0, float("nan")]),
        ("R", None),
        ("T", "abc"),
        ("img_width", []),
    ],
)
def test_bad_calibrations_are_named(tmp_path, name, value):
    raw = {**deepsport.lens_json(made_scenes.lens()), name: value}
    (tmp_path / "bad.json").write_text(json.dumps({"calibration": raw}))
    with pytest.raises(deepsport.LabelError, match=r"bad\.json"):
        deepsport.read_lens(tmp_path / "bad.json")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(deepsport.LabelError, match=r"bad.json.*calibration"):
        deepsport.read_lens(tmp_path / "bad.json")


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.pop("arena_label"),
        lambda raw: raw.update(offsets=None),
        lambda raw: raw["annotations"][0].pop("image"),
        lambda raw: raw["annotations"][0].update(center=[0, 1, float("nan")]),
        lambda raw: raw["annotations"][1].update(head=[0, 1]),
        lambda raw: raw["annotations"][1].update(type="referee"),
    ],
)
def test_bad_instants_are_refused(change):
    raw = deepsport.instant_json(made_scenes.instants()[0])
    assert deepsport.parse_instant(raw).name
    change(raw)
    with pytest.raises(deepsport.LabelError):
        deepsport.parse_instant(raw)


def test_folders_without_instants_and_instants_that_come_twice(tmp_path):
    with pytest.raises(FileNotFoundError, match=deepsport.INSTANTS_FILE):
        deepsport.read(tmp_path)
    deepsport.write(tmp_path, made_scenes.instants()[:1] * 2)
    with pytest.raises(deepsport.LabelError, match="twice"):
        deepsport.read(tmp_path)
    for text in ("{}", "["):
        (tmp_path / deepsport.INSTANTS_FILE).write_text(text)
        with pytest.raises(deepsport.LabelError, match=deepsport.INSTANTS_FILE):
            deepsport.read(tmp_path)
