import dataclasses

import numpy as np
import pytest

from tests import made_scenes
from ttjax.datasets.coco_sport import plans  # pyright: ignore[reportMissingImports]
from ttjax.formats import coco, picture_file, scene_record


@pytest.fixture
def entries(tmp_path):
    """A close-up, a group with two balls and a crowd, a ball, and an empty picture."""
    coco.write(tmp_path / "a.json", made_scenes.coco_pictures(0))
    return coco.read(tmp_path / "a.json")


def record(tmp_path, picture):
    path = tmp_path / picture.file
    path.write_bytes(picture_file.encode_png(made_scenes.picture(0)))
    return scene_record.decode(plans.record(picture, path))


def test_what_is_chosen_is_counted_by_both_readings(entries):
    chosen = plans.choose(entries, coco.is_kept_by_release, skip_bad=False)
    assert isinstance(chosen, plans.Chosen)
    assert (chosen.shown, chosen.by_release, chosen.by_paper) == (3, 2, 1)
    assert [one.id for one in chosen.kept] == [1, 2]
    every = plans.choose(entries, None, skip_bad=False)
    assert [one.id for one in every.kept] == [0, 1, 2]
    for count in ("keeps 2", "text 1", "42271", "Built: 2"):
        assert count in chosen.report("train")
    assert "2356" in chosen.report("validation")
    assert set(plans.PAPER_COUNTS) == set(plans.SETS)
    assert plans.Kept


def test_bad_annotations_are_listed_or_refused(entries):
    bad = dataclasses.replace(
        entries[0], people=({**entries[0].people[0], "segmentation": []},)
    )
    with pytest.raises(coco.LabelError, match="mask"):
        plans.choose([bad, *entries[1:]], None, skip_bad=False)
    chosen = plans.choose([bad, *entries[1:]], None, skip_bad=True)
    ((name, error),) = chosen.bad
    assert name == entries[0].file
    assert "has none" in error
    assert len(chosen.kept) == 2


def test_a_record_holds_people_crowds_and_the_largest_ball(tmp_path, entries):
    picture = entries[1].picture()
    assert plans.plan(picture, tmp_path).name == picture.file
    found = record(tmp_path, picture)
    facts = found.facts
    scene_record.check(facts)
    assert facts.players.tolist() == [True, True, False]
    assert facts.crowd.tolist() == [False, False, True]
    assert (facts.joint_state > 0).sum(axis=1).tolist() == [17, 9, 0]
    assert facts.joints_known
    assert facts.masks_known
    # The second player is smaller, and so in front.
    assert found.ids[20, 14] == 2
    assert found.ids[35, 14] == 1
    assert found.ids[5, 50] == scene_record.IGNORED
    assert facts.ball_state == scene_record.VISIBLE
    assert facts.ball_xy_px.tolist() == [32, 42]
    assert facts.ball_diameter_px == 4
    assert found.ids[41, 31] == scene_record.BALL_ID
    assert found.ids[41, 37] == scene_record.IGNORED


def test_balls_are_absent_or_unknown_where_there_is_none(tmp_path, entries):
    picture = entries[0].picture()
    assert record(tmp_path, picture).facts.ball_state == scene_record.ABSENT
    unknown = dataclasses.replace(picture, balls_known=False)
    assert record(tmp_path, unknown).facts.ball_state == scene_record.UNKNOWN
    many = dataclasses.replace(
        picture, balls=(made_scenes.ball(9, (50, 30, 60, 40), crowd=True),)
    )
    found = record(tmp_path, many)
    assert found.facts.ball_state == scene_record.UNKNOWN
    assert found.ids[35, 55] == scene_record.IGNORED


def test_masks_without_a_pixel_are_refused_by_name(tmp_path, entries):
    person = made_scenes.person(77, (4, 8, 16, 40))
    empty = {"size": [48, 64], "counts": [48 * 64]}
    for bad in (empty, {"size": [64, 48], "counts": [48 * 64]}):
        picture = dataclasses.replace(
            entries[0].picture(),
            people=(dataclasses.replace(person, segmentation=bad),),
        )
        with pytest.raises(ValueError, match="annotation 77"):
            record(tmp_path, picture)


def test_a_real_picture_of_coco(real_data):
    pytest.importorskip("pycocotools")
    folder = real_data / "coco_small" / "mmpose"
    for entry in coco.read(folder / "test_coco.json"):
        picture = entry.picture()
        found = scene_record.decode(plans.record(picture, folder / picture.file))
        assert len(found.facts.players) == len(picture.people)
        assert found.facts.ball_state == scene_record.UNKNOWN
        # Every joint that is seen lies on somebody, or within two pixels of somebody.
        seen = found.facts.joints_px[found.facts.joint_state == scene_record.SEEN]
        near = [
            found.ids[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].any()
            for x, y in np.floor(seen).astype(int)
        ]
        assert np.mean(near) > 0.9
