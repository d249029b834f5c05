"""The people of annotated frames, as COCO takes them."""

from typing import Any

from ttjax.formats import coco_results
from ttjax.scenes import JOINTS
from ttjax.video.stream import Annotated


def coco(found: Annotated) -> list[dict[str, Any]]:
    """The people in a frame, with masks of its size; its number is the `image_id`.

    Raises:
        ValueError: the record is of a family that does not look for people.
    """
    if "players" not in found.record:
        raise ValueError(
            "Results in COCO's form are of people, this model finds "
            f"{sorted(found.record.keys() - {'frame'})}: leave out `coco`, or use a "
            "checkpoint of DeepSportLab."
        )
    players = found.record["players"] or ()
    ids = None
    if found.players is not None and players:
        height, width = found.frame.shape[:2]
        ids = found.players.at_pixels((height, width))
    return [
        coco_results.person(
            found.number,
            player["score"],
            player["joints"],
            JOINTS,
            None if ids is None else ids == player["row"] + 1,
        )
        for player in players
    ]
