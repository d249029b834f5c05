import numpy as np
import pytest

from ttjax.formats import tracknet
from ttjax.pipeline.recording import Hidden, VideoRecording, frame_labels, of_clip
from ttjax.samples import ABSENT, UNKNOWN, VISIBLE, Recording


def test_a_clip_is_a_recording(halls, hall):
    one = of_clip(tracknet.find(halls)[0], "absent")
    assert isinstance(one, VideoRecording)
    assert isinstance(one, Recording)
    assert (one.name, one.fps, one.size_hw) == ("a/0", 30.0, (64, 96))
    for read, written in zip(one.frames(), hall.frames(), strict=True):
        assert np.abs(read.astype(int) - written).mean() < 8
    np.testing.assert_allclose(one.labels.ball_xy_px, hall.track().xy_px, atol=1e-3)


def test_labels_lie_on_the_ball(halls):
    """Independent of the drawing: the centre of the white pixels is the label."""
    one = of_clip(tracknet.find(halls)[0], "absent")
    for frame, xy, state in zip(
        one.frames(), one.labels.ball_xy_px, one.labels.ball_state, strict=True
    ):
        rows, columns = np.nonzero((frame > 190).all(axis=-1))
        assert (state == VISIBLE) == (rows.size > 9)
        if state == VISIBLE:
            centre = np.array([columns.mean(), rows.mean()]) + 0.5
            np.testing.assert_allclose(centre, xy, atol=0.75)


@pytest.mark.parametrize(
    ("hidden", "state"), [("absent", ABSENT), ("unknown", UNKNOWN)]
)
def test_hidden_balls_are_what_the_user_says(hall, hidden: Hidden, state):
    labels = frame_labels(hall.track(), hidden)
    assert labels.ball_state[[2, 9]].tolist() == [state, state]
    assert (np.delete(labels.ball_state, [2, 9]) == VISIBLE).all()
    assert labels.events == {}
    assert labels.length == 14


def test_labels_of_another_cut_are_refused_before_decoding(halls, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/0.mp4").write_bytes((halls / "a/0.mp4").read_bytes())
    rows = (halls / "a/0.csv").read_text().splitlines()[:-2]
    (tmp_path / "a/0.csv").write_text("\n".join(rows))
    with pytest.raises(tracknet.LabelError, match="12 rows for a video of 14 frames"):
        of_clip(tracknet.find(tmp_path)[0], "absent")
