import dataclasses
import json

import numpy as np
import pytest

from tests.deepsportlab import answers
from ttjax.deepsportlab import findings
from ttjax.scenes import JOINTS


def test_a_record_says_who_is_where_in_json():
    found = answers.right()
    record = findings.record(found, 0, ball_threshold=0.5)
    assert json.loads(json.dumps(record)) == record
    assert record["ball"] == {
        "xy_px": [46.0, 32.0],
        "probability": 0.9,
        "present": True,
    }
    assert [player["row"] for player in record["players"]] == [0, 1]
    joints = record["players"][1]["joints"]
    assert tuple(joints) == JOINTS
    np.testing.assert_allclose(joints["left_eye"], [21.0, 14.0, 0.7], atol=1e-4)


def test_a_ball_below_the_threshold_has_no_place():
    record = findings.record(answers.right(ball_score=0.2), 0, ball_threshold=0.5)
    assert record["ball"]["xy_px"] is None
    assert not record["ball"]["present"]


def test_joints_that_were_not_found_are_missing():
    found = answers.right()
    found.joint_score[0, 0, 3] = 0.0
    player = findings.record(found, 0, ball_threshold=0.5)["players"][0]
    assert JOINTS[3] not in player["joints"]
    assert len(player["joints"]) == 16


@pytest.mark.parametrize("kind", ["cells", "players"])
def test_a_picture_with_more_than_there_is_room_for_is_flagged(kind):
    found = answers.right()
    assert not findings.record(found, 0, ball_threshold=0.5)["truncated"]
    full = dataclasses.replace(found.overflow, **{kind: np.array([True])})
    found = dataclasses.replace(found, overflow=full)
    assert findings.record(found, 0, ball_threshold=0.5)["truncated"] is True
