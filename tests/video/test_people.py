import numpy as np
import pytest

from ttjax.formats import rle
from ttjax.scenes import JOINTS
from ttjax.video.people import coco
from ttjax.video.stream import Annotated, PlayerMap

HW = (34, 68)


def annotated(**fields):
    ids = np.zeros((5, 9), np.uint8)
    ids[2, 2:4] = 3
    record = {
        "frame": 4,
        "players": [
            {"row": 2, "score": 0.7, "joints": {"nose": [20.5, 18.0, 0.6]}},
        ],
    }
    frame = np.zeros((*HW, 3), np.uint8)
    players = PlayerMap(ids, (8.0, 8.0), stride=4)
    return Annotated(4, frame, record | fields, players=players)


def test_people_have_masks_of_the_frame_and_joints_in_order():
    (one,) = coco(annotated())
    assert (one["image_id"], one["score"]) == (4, 0.7)
    want = np.zeros(HW, bool)
    # The map's pixel j stands at j * 8 + 1 px and reaches 4 px to both sides.
    want[13:21, 13:29] = True
    np.testing.assert_array_equal(rle.decode(one["segmentation"], HW), want)
    flat = np.reshape(one["keypoints"], (17, 3))
    np.testing.assert_array_equal(flat[JOINTS.index("nose")], [20.0, 17.5, 0.6])
    assert np.count_nonzero(flat) == 3


def test_frames_without_people_give_none():
    assert coco(annotated(players=[])) == []
    assert coco(annotated(players=None)) == []


def test_a_family_without_people_is_refused():
    found = annotated()
    record = {"frame": 4, "ball": None}
    with pytest.raises(ValueError, match=r"finds \['ball'\]: leave out `coco`"):
        coco(Annotated(4, found.frame, record))
