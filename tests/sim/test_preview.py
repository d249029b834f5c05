import numpy as np
import pytest

from ttjax.sim import preview


def test_a_sheet_has_one_row_for_each_sample(spec, small_hall):
    image = preview.sheet(preview.key_of(0), 2, spec, small_hall)
    height, width = spec.frame_hw
    assert image.shape == (2 * height, 2 * width + spec.frame_hw[1], 3)
    assert image.std() > 5
    assert preview.SPEC.canvas_hw == (preview.SPEC.frame_hw[0], 360)


def test_rigs_and_a_strip_are_ringed_pictures(small_hall):
    pytest.importorskip("cv2")
    height, width = preview.RIG_HW
    image = preview.rig_sheet(preview.key_of(0), small_hall, columns=1)
    assert image.shape == (height, width, 3)
    assert (np.abs(image.astype(int) - preview.RING).sum(axis=-1) < 60).any()
    image = preview.strip(preview.key_of(0), small_hall)
    height, width = preview.STRIP_HW
    assert image.shape == (3 * height, 3 * width, 3)
    assert (np.abs(image.astype(int) - preview.RING).sum(axis=-1) < 60).any()
