import cv2
import numpy as np
import pytest

from ttjax.formats import openttgames, table_mask


def scene(shift=0):
    """A table with a player before it, and a scoreboard beside."""
    masks = np.zeros((*openttgames.MASK_HW, 3), np.uint8)
    corners = np.array([[60, 90], [100, 70], [230, 72], [260, 95]], np.int32)
    for channel, points in (
        (0, corners),
        (1, np.add([20 + shift, 30], [[0, 0], [30, 0], [30, 90], [0, 90]])),
        (2, np.array([[150, 40], [168, 40], [168, 50], [150, 50]])),
    ):
        plane = np.ascontiguousarray(masks[..., channel])
        cv2.fillConvexPoly(plane, points.astype(np.int32), 1)
        masks[..., channel] = plane
    masks[..., 0] *= 1 - masks[..., 1]
    return masks


@pytest.fixture
def masks():
    return [scene(shift) for shift in range(0, 240, 20)]


def test_a_table_in_red_passes(masks):
    assert table_mask.fault_of(masks) == ""
    assert table_mask.fault_of(masks[:1]) == ""


@pytest.mark.parametrize(
    ("order", "fault"),
    [([2, 1, 0], "R covers 0.5%"), ([1, 0, 2], "R"), ([2, 0, 1], "R covers 0.5%")],
)
def test_other_orders_of_channels_do_not(masks, order, fault):
    assert fault in table_mask.fault_of([one[..., order] for one in masks])


def test_empty_full_hollow_and_moving_masks_are_no_table(masks):
    assert "covers" in table_mask.fault_of([np.zeros_like(masks[0])])
    assert "covers" in table_mask.fault_of([np.ones_like(masks[0])])
    frame = np.zeros_like(masks[0])
    frame[20:100, 50:250, 0] = 1
    frame[26:94, 56:244, 0] = 0
    twice = masks[0].copy()
    twice[:60, :, 2] = 1
    assert "B covers more" in table_mask.fault_of([twice])
    assert "convex hull" in table_mask.fault_of([frame])
    moving = [np.roll(scene(), 40 * n, axis=1) for n in range(3)]
    assert "moves" in table_mask.fault_of([moving[0], *moving, *moving[1:]])


def test_a_folder_is_sampled_and_named(masks, tmp_path):
    table_mask.check(tmp_path)
    for number, one in enumerate(masks):
        openttgames.write_mask(tmp_path / f"{10 * number}.png", one)
    table_mask.check(tmp_path)
    for number, one in enumerate(masks):
        openttgames.write_mask(tmp_path / f"{10 * number}.png", one[..., ::-1])
    with pytest.raises(ValueError, match=r"frame 0 and others.*BGR") as error:
        table_mask.check(tmp_path)
    assert str(tmp_path) in str(error.value)
