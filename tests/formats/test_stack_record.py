import dataclasses

import numpy as np
import pytest

from ttjax import samples
from ttjax.formats import openttgames, stack_record

T = 9


def facts(**changes):
    draw = np.random.default_rng(0)
    given = stack_record.Facts(
        clip="gäme_1",
        frame=118,
        canvas_xy=np.array([640, 82], np.int32),
        source_hw=np.array([1080, 1920], np.int32),
        ball_xy_px=draw.uniform(0, 1000, (T, 2)).astype(np.float32),
        ball_state=np.array([1, 1, 1, 0, -1, 1, 1, 1, 1], np.int8),
        event_offset=np.array([-3, np.inf], np.float32),
        event_known=np.array([True, False]),
        group="gäme_1/7",
        kind=0,
    )
    return dataclasses.replace(given, **changes)


@pytest.fixture(scope="module")
def images():
    """Smooth pictures: JPEG keeps them within a few levels."""
    ramp = np.linspace(20, 230, 392).astype(np.uint8)
    whole = [np.full((*stack_record.FRAME_HW, 3), 10 * n, np.uint8) for n in range(T)]
    canvas = np.broadcast_to(ramp[None, :, None], (*stack_record.LEAST_CANVAS_HW, 3))
    return whole, [np.ascontiguousarray(canvas)] * T


@pytest.fixture(scope="module")
def record(images):
    frames, canvas = (list(map(stack_record.encode_jpeg, part)) for part in images)
    masks = np.zeros((*stack_record.FRAME_HW, 3), np.uint8)
    masks[:10, :, 0], masks[5:20, 3, 1], masks[100, 200:, 2] = 1, 1, 1
    png = stack_record.encode_masks(masks)
    return stack_record.encode(facts(), frames, canvas, png), masks


def test_numbers_and_names_are_those_of_the_samples():
    assert stack_record.STATES == (samples.ABSENT, samples.VISIBLE, samples.UNKNOWN)
    assert stack_record.MASKS == openttgames.MASKS
    assert stack_record.FRAME_HW == openttgames.MASK_HW
    assert openttgames.KINDS[:2] == stack_record.EVENTS


def test_decoding_inverts_encoding(record, images):
    encoded, masks = record
    stack: stack_record.Stack = stack_record.decode(encoded)
    for name, value in dataclasses.asdict(facts()).items():
        np.testing.assert_array_equal(getattr(stack.facts, name), value)
    assert np.abs(stack.frames.astype(int) - np.stack(images[0])).max() <= 2
    assert np.abs(stack.canvas.astype(int) - np.stack(images[1])).max() <= 4
    np.testing.assert_array_equal(stack.masks, masks)
    assert stack_record.read_facts(encoded).group == "gäme_1/7"


def test_a_record_is_flat_and_its_images_are_files(record):
    encoded, _ = record
    assert encoded["clip"] == "gäme_1".encode()
    assert all(data[:3] == b"\xff\xd8\xff" for data in encoded["frames"])
    assert encoded["masks"][1:4] == b"PNG"
    assert encoded["frame"].dtype == np.int64
    assert not any(isinstance(value, dict) for value in encoded.values())


def test_masks_that_are_not_known_are_empty(record):
    encoded, _ = record
    assert stack_record.decode({**encoded, "masks": b""}).masks is None


def test_red_is_the_first_channel():
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 255
    back = stack_record.decode_image(stack_record.encode_jpeg(red), "red")
    assert back[8, 8, 0] > 250
    assert back[8, 8, 1:].max() < 5


def test_jpegs_are_decoded_to_the_pixels_that_opencv_gives(record):
    import cv2

    encoded, _ = record
    for data in (*encoded["frames"], *encoded["canvas"]):
        want = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        np.testing.assert_array_equal(stack_record.decode_image(data, "it"), want)


@pytest.mark.parametrize(
    ("offsets", "state", "kind"),
    [
        ([np.inf, -8], 0, stack_record.EVENT),
        ([9, np.inf], 1, stack_record.LABELLED),
        ([9, np.inf], 0, stack_record.WITHOUT_BALL),
        ([np.inf, np.inf], -1, stack_record.UNLABELLED),
    ],
)
def test_kind_of_a_window(offsets, state, kind):
    assert stack_record.kind_of(np.array(offsets, np.float32), state) == kind


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"canvas_xy": np.array([1, 0], np.int32)}, "even"),
        ({"canvas_xy": np.array([-2, 0], np.int32)}, "inside"),
        ({"ball_xy_px": np.full((T, 2), np.nan, np.float32)}, "finite"),
        ({"ball_state": np.full(T, 3, np.int8)}, "states"),
        ({"kind": 4}, "kinds"),
        ({"event_offset": np.full(2, np.nan, np.float32)}, "NaN"),
    ],
)
def test_contradictions_name_the_frame(changes, message):
    with pytest.raises(ValueError, match=message) as error:
        stack_record.check(facts(**changes))
    assert "frame 118 of 'gäme_1'" in str(error.value)


def test_images_that_are_missing_damaged_or_too_large_are_refused(record):
    encoded, _ = record
    with pytest.raises(ValueError, match="as many images"):
        stack_record.encode(facts(), encoded["frames"][1:], encoded["canvas"])
    with pytest.raises(ValueError, match="neither"):
        stack_record.decode({**encoded, "frames": [b"no image"] * T})
    cut = [encoded["frames"][0][:400], *encoded["frames"][1:]]
    with pytest.raises(ValueError, match="damaged") as error:
        stack_record.decode({**encoded, "frames": cut})
    assert "frame 118 of 'gäme_1'" in str(error.value)
    far = np.array([1600, 0], np.int32)
    with pytest.raises(ValueError, match="inside the source"):
        stack_record.decode({**encoded, "canvas_xy": far})


def test_arrays_are_written_with_their_types_and_the_place_names_the_stack():
    encoded, given = stack_record.encode(facts(), [b""] * T, [b""] * T), facts()
    for name, kind in stack_record.ARRAYS.items():
        assert encoded[name].dtype == kind
        assert getattr(stack_record.read_facts(encoded), name).dtype == kind
    assert given.place == f"frame {given.frame} of {given.clip!r}"
