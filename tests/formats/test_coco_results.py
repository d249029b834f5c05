import contextlib
import io
import json

import numpy as np
import pytest

from ttjax.formats import coco, coco_results, rle
from ttjax.formats.coco_results import Writer, person

HW = (60, 80)
NAMES = tuple(f"joint{number}" for number in range(17))


def mask():
    found = np.zeros(HW, bool)
    found[10:50, 20:40] = True
    return found


def joints():
    rng = np.random.default_rng(0)
    places = rng.uniform((20, 10), (40, 50), (17, 2)).round(2)
    return {
        name: [*map(float, xy), 0.9] for name, xy in zip(NAMES, places, strict=True)
    }


def test_coordinates_count_from_pixel_centres_and_what_is_missing_is_0():
    found = joints()
    left_out = {name: joint for name, joint in found.items() if name != "joint3"}
    entry = person(7, 0.8, left_out, NAMES, mask())
    flat = np.reshape(entry["keypoints"], (17, 3))
    np.testing.assert_allclose(flat[0], np.subtract(found["joint0"], (0.5, 0.5, 0)))
    np.testing.assert_array_equal(flat[3], 0.0)
    assert (entry["image_id"], entry["category_id"]) == (7, coco.PERSON_ID)
    np.testing.assert_array_equal(rle.decode(entry["segmentation"], HW), mask())
    assert "segmentation" not in person(7, 0.8, found, NAMES)


def truth():
    """The same person as an annotation, in pycocotools' own hands."""
    from pycocotools.coco import COCO

    found = joints()
    one = coco.Person(
        id=1,
        box_px=np.array([20, 10, 40, 50], np.float32),
        joints_px=np.array([xy[:2] for xy in found.values()], np.float32),
        joint_state=np.full(17, coco.SEEN, np.int8),
        crowd=False,
        area_px2=800.0,
        segmentation=rle.encode(mask()),
    )
    pictures = [coco.Picture(n, f"{n}.jpg", HW, (one,) * (n == 7), ()) for n in (7, 8)]
    return COCO, pictures


@pytest.mark.parametrize("kind", ["keypoints", "segm"])
def test_pycocotools_loads_and_scores_what_is_written(tmp_path, kind):
    pytest.importorskip("pycocotools")
    from pycocotools.cocoeval import COCOeval

    index, pictures = truth()
    coco.write(tmp_path / "truth.json", pictures)
    with Writer(tmp_path / "found.json") as writer:
        writer.write([person(7, 0.8, joints(), NAMES, mask())])
        writer.write([])
        writer.write([person(8, 0.3, {}, NAMES, ~mask())])
    with contextlib.redirect_stdout(io.StringIO()):
        known = index(str(tmp_path / "truth.json"))
        found = known.loadRes(str(tmp_path / "found.json"))
        run = COCOeval(known, found, kind)
        run.evaluate()
        run.accumulate()
        run.summarize()
    assert run.stats[0] == pytest.approx(1.0)
    first = found.loadAnns([1])[0]
    assert first["area"] == mask().sum()
    np.testing.assert_array_equal(first["bbox"], [20, 10, 20, 40])


def stumble(writer):
    with writer as entered:
        entered.write([person(0, 0.5, {}, NAMES)])
        raise KeyError


def test_a_file_is_whole_whatever_happens(tmp_path):
    writer = Writer(tmp_path / "found.json")
    with pytest.raises(KeyError):
        stumble(writer)
    assert len(json.loads(writer.path.read_text())) == writer.people == 1
    with Writer(tmp_path / "none.json") as nobody:
        pass
    assert json.loads(nobody.path.read_text()) == []
    with pytest.raises(ValueError, match="got people outside"):
        writer.write([])
    assert coco_results.PERSON_ID == 1
