import numpy as np
import pytest

from ttjax.formats import openttgames
from ttjax.pipeline import layouts
from ttjax.samples import UNKNOWN, Recording


def test_both_layouts_are_found(halls, tmp_path):
    found = list(layouts.recordings(halls))
    assert [one.name for one in found][:2] == ["a/0", "a/1"]
    assert all(isinstance(one, Recording) for one in found)
    clip = openttgames.clip_files(tmp_path, "game_1")
    clip.video.write_bytes((halls / "a" / "0.mp4").read_bytes())
    balls = openttgames.Balls(
        np.array([4]), np.array([[8.5, 9.5]], np.float32), np.array([1], np.int8)
    )
    openttgames.write_balls(clip.balls, balls)
    (one,) = layouts.recordings(tmp_path)
    assert one.name == "game_1"
    assert (one.labels.ball_state == UNKNOWN).sum() == 13
    (tmp_path / "videos").mkdir()
    clip.video.rename(tmp_path / "videos" / "game_1.mp4")
    (one,) = layouts.recordings(tmp_path)
    assert one.name == "game_1"


def test_what_is_no_layout_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="'nowhere' is none"):
        layouts.recordings(tmp_path.__class__("nowhere"))
    with pytest.raises(ValueError, match="holds neither"):
        layouts.recordings(tmp_path)
