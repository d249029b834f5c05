import numpy as np
import pytest

from bench import made_fields, numpy_decoder
from tests.deepsportlab import loops
from ttjax.deepsportlab.decoder import Decoder
from ttjax.fields.splat import Splat

HW = (113, 129)


@pytest.fixture(scope="module")
def outputs():
    rng = np.random.default_rng(0)
    return made_fields.fields(
        made_fields.spread(rng, 3, HW, height_px=(45.0, 50.0)), noise=rng
    )


@pytest.mark.parametrize("truncate", [None, 1.0])
def test_maps_peaks_and_groups_are_those_of_the_loops(outputs, truncate):
    decoder = Decoder(splat=Splat(truncate_sigma=truncate))
    voted = loops.votes(outputs.parts, 5, stride=8, threshold=0.1)
    expected = loops.density_map(voted, HW, decoder.splat)
    got = numpy_decoder.density(outputs.parts, 5, decoder, HW)
    np.testing.assert_allclose(got, expected, atol=1e-4)
    score, xy = numpy_decoder.peaks(expected, decoder, 0.3)
    of_loop = loops.peaks(expected, radius_px=6.0, threshold=0.3)
    assert sorted(zip(score, *xy.T, strict=True), reverse=True) == of_loop
    centres = np.array([[30.0, 60.0], [90.0, 50.0]])
    group = numpy_decoder.nearest(outputs.offset[0], centres, 2)
    of_loop = [(1.0, x, y) for x, y in centres]
    np.testing.assert_array_equal(
        group, loops.nearest(outputs.offset[0], of_loop, stride=2)
    )
    assert numpy_decoder.REACH_SIGMAS >= 4


def test_players_are_those_of_the_loops(outputs):
    decoder = Decoder()
    ids, joints, scores = numpy_decoder.decode(outputs, decoder, image_hw=HW)
    rows, kept, expected, _, _ = loops.decode(
        outputs, decoder, image_hw=HW, in_masks=False
    )
    assert sum(kept) == 3
    assert ((ids > 0) == (expected > 0)).all()
    for row in rows:
        mine = int(ids[expected == rows.index(row) + 1][0]) - 1
        assert set(np.flatnonzero(scores[mine])) == set(row["joints"])
        for kind, (score, x, y) in row["joints"].items():
            assert abs(scores[mine, kind] - score) < 1e-4
            np.testing.assert_array_equal(joints[mine, kind], (x, y))


def test_nobody_and_missing_heads(outputs):
    empty = outputs.centre.replace(confidence=outputs.centre.confidence - 30.0)
    nobody = outputs.replace(centre=empty)
    ids, joints, _ = numpy_decoder.decode(nobody, Decoder(), image_hw=HW)
    assert not ids.any()
    assert len(joints) == 0
    with pytest.raises(ValueError, match="switch these heads on"):
        numpy_decoder.decode(outputs.replace(parts=None), Decoder(), image_hw=HW)
