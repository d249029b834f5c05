import dataclasses

import pytest

from ttjax.deepsportlab import assign, decoder


def test_a_decoder_is_frozen_and_says_what_the_paper_did():
    made = decoder.Decoder()
    assert (made.cell_threshold, made.centre_threshold, made.joint_threshold) == (
        0.1,
        0.1,
        0.1,
    )
    assert (made.min_area_px, made.min_joints, made.nms_radius_px) == (100, 5, 6)
    assert made.grouping == assign.PeakToOwner()
    assert hash(made) == hash(decoder.Decoder())
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.__setattr__("players", 3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"players": 0}, "set `players`"),
        ({"players": 254, "queries": 512}, "set `players`"),
        ({"queries": 31}, "queries=31"),
        ({"sources": 64}, "sources=64"),
        ({"cell_threshold": 0.0}, "between 0 and 1"),
        ({"cell_threshold": 1.0}, "between 0 and 1"),
    ],
)
def test_capacities_and_thresholds_that_contradict_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        decoder.Decoder(**fields)
