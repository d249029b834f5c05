import numpy as np
import pytest

from tests import made_scenes
from ttjax.formats import deepsport_humans, picture_file


def test_read_inverts_write(tmp_path):
    masks = made_scenes.humans()
    deepsport_humans.write(tmp_path / "a.png", masks)
    found = deepsport_humans.read(tmp_path / "a.png")
    assert isinstance(found, deepsport_humans.Humans)
    assert len(found.people) == 2
    for one, other in zip(found.people, masks.people, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(found.crowd, masks.crowd)
    assert not found.ball.any()
    assert not found.rest.any()


def test_numbers_mean_what_the_layout_says():
    ids = deepsport_humans.ids_of(made_scenes.humans())
    assert set(np.unique(ids)) == {0, 1000, 1001, 1002}
    ids[30:40, 30:40] = 3001
    ids[45, :9] = 1007
    ids[46, :10] = 1008
    ids[47, :20] = 2001
    ids[0, :20] = 999
    found = deepsport_humans.parse(ids)
    assert [mask.sum() for mask in found.people] == [140, 140, 10]
    assert found.ball.sum() == 100
    assert found.rest.sum() == 9 + 20
    every = sum(mask.sum() for mask in (*found.people, found.crowd, found.ball))
    assert every + found.rest.sum() == (ids >= 1000).sum()


def test_maps_that_lost_their_high_bits_are_refused(tmp_path):
    small = deepsport_humans.ids_of(made_scenes.humans()).astype(np.uint8)
    (tmp_path / "a.png").write_bytes(picture_file.encode_png(small))
    with pytest.raises(picture_file.PictureError, match=r"a.png.*8 bits"):
        deepsport_humans.read(tmp_path / "a.png")
