import numpy as np
import pytest

from tests import made_scenes
from ttjax.datasets import options, pictures  # pyright: ignore[reportMissingImports]
from ttjax.formats import picture_file, scene_record


def test_rows_gather_people_crowds_and_what_is_painted():
    rows = pictures.Rows((48, 64), "a")
    rows.add(made_scenes.box_mask(0, 0, 10, 10), crowd=False)
    rows.add(made_scenes.box_mask(5, 5, 40, 40), crowd=True)
    rows.add(
        np.zeros((48, 64), np.bool_),
        crowd=False,
        box_px=np.array([1, 2, 1.5, 3], np.float32),
    )
    rows.paint(made_scenes.box_mask(2, 2, 4, 4), scene_record.BALL_ID)
    facts = rows.facts(
        group="g",
        masks_known=True,
        joints_known=False,
        ball_xy_px=np.zeros(2, np.float32),
        ball_state=scene_record.ABSENT,
        ball_diameter_px=0.0,
    )
    assert facts.players.tolist() == [True, False, True]
    assert facts.crowd.tolist() == [False, True, False]
    assert facts.box_px.tolist() == [[0, 0, 10, 10], [5, 5, 40, 40], [1, 2, 1.5, 3]]
    ids = rows.ids()
    assert ids[3, 3] == scene_record.BALL_ID
    assert ids[6, 6] == 1
    assert ids[20, 20] == scene_record.IGNORED
    scene_record.encode(facts, b"", ids)


def test_more_people_than_ids_are_refused():
    rows, mask = pictures.Rows((48, 64), "a"), made_scenes.box_mask(0, 0, 1, 1)
    for _ in range(scene_record.MOST_PEOPLE):
        rows.add(mask, crowd=False)
    with pytest.raises(ValueError, match="'a' more"):
        rows.add(mask, crowd=False)


def test_boxes_and_middles_are_of_the_pixels_corners_and_centres():
    mask = made_scenes.box_mask(3, 4, 9, 10)
    assert pictures.box_of(mask).tolist() == [3, 4, 9, 10]
    assert pictures.middle_of(mask).tolist() == [6, 7]
    one = made_scenes.box_mask(3, 4, 4, 5)
    assert pictures.middle_of(one).tolist() == [3.5, 4.5]


def test_a_picture_of_another_size_is_refused(tmp_path):
    image = made_scenes.picture(0)
    path = tmp_path / "a.png"
    path.write_bytes(picture_file.encode_png(image))
    data, found = pictures.read_picture(path, "a", (48, 64))
    np.testing.assert_array_equal(found, image)
    assert data == path.read_bytes()
    with pytest.raises(ValueError, match=r"\[64, 48\].*\[48, 64\]"):
        pictures.read_picture(path, "a", (64, 48))
    gone = path.with_name("gone.png")
    with pytest.raises(ValueError, match=r"gone\.png of 'a' is missing: .*--skip-bad"):
        pictures.read_picture(gone, "a", (48, 64))


def test_features_are_those_of_a_record():
    names = {*scene_record.Facts.__annotations__, "image", "ids"}
    assert set(pictures.features()) == names
    assert pictures.Plan("a", dict).make() == {}
    assert pictures.SKIPPED_FILE.endswith(".json")
    assert pictures.MOST_PEOPLE == "most_people"
    assert issubclass(pictures.PictureBuilder, object)
    assert options.current().workers == 1
