import dataclasses
import json

import numpy as np
import pytest

from tests import made_scenes
from ttjax.formats import coco, rle


def content(path, change):
    """The file of one annotation, with something changed."""
    picture = coco.Picture(
        1, "a.jpg", (48, 64), (made_scenes.person(5, (4, 8, 16, 40)),), ()
    )
    coco.write(path, [picture])
    read = json.loads(path.read_text())
    change(read, read["annotations"][0])
    path.write_text(json.dumps(read))
    return path


def same(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        np.testing.assert_array_equal(a, b) if isinstance(a, np.ndarray) else None
        assert isinstance(a, np.ndarray) or a == b


def test_read_inverts_write(tmp_path):
    pictures = made_scenes.coco_pictures(10)
    coco.write(tmp_path / "a.json", pictures)
    entries = coco.read(tmp_path / "a.json")
    assert [type(one) for one in entries] == [coco.Entry] * 4
    for entry, picture in zip(entries, pictures, strict=True):
        found = entry.picture()
        assert (found.id, found.file, found.size_hw) == (
            picture.id,
            picture.file,
            picture.size_hw,
        )
        assert found.joints_known == any(len(one.people) for one in pictures)
        assert found.balls_known
        for one, other in zip(
            (*found.people, *found.balls),
            (*picture.people, *picture.balls),
            strict=True,
        ):
            assert type(one) is type(other)
            same(one, other)


def test_people_are_of_the_first_file_and_balls_of_both(tmp_path):
    pictures = made_scenes.coco_pictures(10)
    without = [dataclasses.replace(p, balls=(), balls_known=False) for p in pictures]
    coco.write(tmp_path / "people.json", without)
    coco.write(tmp_path / "all.json", pictures)
    alone = coco.read(tmp_path / "people.json")
    assert not any(entry.balls or entry.balls_known for entry in alone)
    both = coco.read(tmp_path / "people.json", tmp_path / "all.json")
    assert [len(entry.people) for entry in both] == [1, 3, 0, 0]
    assert [len(entry.balls) for entry in both] == [0, 2, 1, 0]
    assert all(isinstance(b, coco.Ball) for e in both for b in e.picture().balls)


def test_joints_are_half_a_pixel_further_than_their_index(tmp_path):
    def change(read, one):
        one["keypoints"] = [10, 20, 2, 0, 0, 0, 3, 4, 1] + [0] * 42

    (entry,) = coco.read(content(tmp_path / "a.json", change))
    (person,) = entry.picture().people
    assert isinstance(person, coco.Person)
    assert person.joints == 2
    np.testing.assert_array_equal(
        person.joints_px[:3], [[10.5, 20.5], [0, 0], [3.5, 4.5]]
    )


def test_the_challenge_calls_people_human_and_counts_them_from_0(tmp_path):
    def change(read, one):
        read["categories"] = [{"id": 0, "name": "human"}]
        one["category_id"] = 0
        del one["keypoints"]

    (entry,) = coco.read(content(tmp_path / "a.json", change))
    assert not entry.joints_known
    assert not entry.picture().people[0].joints


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _, one: one.update(segmentation=[]), "has none"),
        (lambda _, one: one.pop("segmentation"), "has none"),
        (lambda _, one: one.update(bbox=[1, 2, 0, 4]), "box has an area"),
        (lambda _, one: one.update(bbox=[1, 2, 3, -4]), "box has an area"),
        (lambda _, one: one.update(bbox=[1, 2, 3, float("nan")]), "four numbers"),
        (lambda _, one: one.update(bbox=[1, 2, 3]), "four numbers"),
        (lambda _, one: one.update(area=None), "four numbers"),
        (lambda _, one: one.update(keypoints=[float("nan"), 0, 2] * 17), "finite"),
        (lambda _, one: one.update(keypoints=[0, 0, 3] * 17), "finite"),
        (lambda _, one: one.update(keypoints=[0, 0, 2] * 16), "finite"),
        (lambda _, one: one.update(keypoints=["a", 0, 2] * 17), "finite"),
    ],
)
def test_bad_annotations_are_named(tmp_path, change, message):
    (entry,) = coco.read(content(tmp_path / "a.json", change))
    with pytest.raises(coco.LabelError, match=message) as error:
        entry.picture()
    assert "annotation 5 of 'a.jpg'" in str(error.value)


def test_joints_that_are_not_labelled_may_be_anything(tmp_path):
    def change(read, one):
        one["keypoints"] = [float("nan"), -1, 0] * 17

    (entry,) = coco.read(content(tmp_path / "a.json", change))
    assert np.isfinite(entry.picture().people[0].joints_px).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda read, _: read.pop("images"), "lacks images"),
        (lambda read, _: read["images"][0].pop("height"), "height and width"),
        (lambda read, one: one.update(image_id=7), "picture 7"),
        (lambda read, one: read["annotations"].append(one), "id of its own"),
        (lambda read, _: read["categories"].clear(), "category is called"),
        (
            lambda read, _: read["images"].append({**read["images"][0], "height": 9}),
            "two different",
        ),
    ],
)
def test_files_of_another_layout_are_refused(tmp_path, change, message):
    with pytest.raises(coco.LabelError, match=message) as error:
        coco.read(content(tmp_path / "bad.json", change))
    assert "bad.json" in str(error.value)
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(coco.LabelError, match="JSON"):
        coco.read(tmp_path / "bad.json")


def test_run_lengths_need_no_pycocotools_and_polygons_do():
    mask = made_scenes.box_mask(3, 4, 9, 10)
    np.testing.assert_array_equal(coco.mask(rle.encode(mask), (48, 64)), mask)
    pytest.importorskip("pycocotools")
    square = [[3, 4, 9, 4, 9, 10, 3, 10]]
    np.testing.assert_array_equal(coco.mask(square, (48, 64)), mask)
    two = coco.mask([*square, [20, 20, 30, 20, 30, 30, 20, 30]], (48, 64))
    assert two.sum() == 36 + 100


@pytest.mark.parametrize(
    "bad", [None, [], "a", [[1, 2, 3, 4]], [[1, 2, 3, 4, 5, float("nan")]], [[1] * 7]]
)
def test_bad_masks_are_refused(bad):
    with pytest.raises(rle.MaskError):
        coco.mask(bad, (48, 64))


@pytest.mark.parametrize(
    ("share", "joints", "crowd", "release", "paper"),
    [
        (0.009, 0, False, True, True),
        (0.02, 5, False, False, True),
        (0.02, 6, False, True, True),
        (0.11, 17, False, True, False),
        (0.5, 0, True, True, True),
    ],
)
def test_the_two_readings_of_the_filter(share, joints, crowd, release, paper):
    person = made_scenes.person(1, (0, 0, 9, 9), joints=joints, crowd=crowd)
    person = dataclasses.replace(person, area_px2=share * 48 * 64)
    picture = coco.Picture(1, "a", (48, 64), (person,), ())
    assert coco.is_kept_by_release(picture) is release
    assert coco.is_kept_by_paper(picture) is paper
    assert coco.shows_people_or_ball(picture) is bool(joints)
    ball = made_scenes.ball(2, (1, 1, 4, 4))
    assert coco.shows_people_or_ball(dataclasses.replace(picture, balls=(ball,)))


def test_real_pictures_of_coco(real_data):
    entries = coco.read(real_data / "coco_small" / "mmpose" / "test_coco.json")
    pictures = [entry.picture() for entry in entries]
    people = [one for picture in pictures for one in picture.people]
    assert (len(pictures), len(people)) == (4, 14)
    assert sum(one.joints > 0 for one in people) == 12
    pytest.importorskip("pycocotools")
    for picture in pictures:
        for one in picture.people:
            area = coco.mask(one.segmentation, picture.size_hw).sum()
            # The file's area is of the polygons, before they meet pixels.
            assert abs(area - one.area_px2) <= 0.05 * one.area_px2 + 5


def test_real_masks_of_deepsport(real_data):
    folder = real_data / "deepsport_annotations" / "instance_segmentation"
    entries = coco.read(folder / "test.json")
    assert (len(entries), sum(len(e.people) for e in entries)) == (64, 477)
    assert not any(entry.joints_known or entry.balls_known for entry in entries)
    for entry in entries[:4]:
        picture = entry.picture()
        for one in picture.people:
            mask = coco.mask(one.segmentation, picture.size_hw)
            assert mask.sum() == one.area_px2
            rows, columns = np.nonzero(mask)
            low = [columns.min(), rows.min(), columns.max(), rows.max()]
            np.testing.assert_allclose(one.box_px, low, atol=1)
