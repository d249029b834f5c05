import json

import numpy as np
import pytest

from ttjax.formats import openttgames
from ttjax.sim import export


@pytest.fixture(scope="module")
def plan(small_hall):
    return export.Export(seconds=0.25, masks_every=10, hall=small_hall)


@pytest.fixture(scope="module")
def made(plan, tmp_path_factory):
    root = tmp_path_factory.mktemp("rallies")
    frames = []
    done = export.write(root, 2, plan, workers=2, advance=lambda: frames.append(1))
    assert done == [0, 1]
    assert len(frames) == 2 * plan.frames(0) == 60
    return root


def test_what_is_written_is_read_by_the_reader_of_real_data(made, plan):
    av = pytest.importorskip("av")
    clips = openttgames.find_clips(made)
    assert [clip.name for clip in clips] == [export.name_of(0), export.name_of(1)]
    balls = openttgames.read_balls(clips[0].balls)
    np.testing.assert_array_equal(balls.frames, np.arange(30))
    events = openttgames.read_events(clips[0].events)
    assert set(events) == set(openttgames.KINDS)
    masks = openttgames.mask_files(clips[0].masks)
    assert list(masks) == [0, 10, 20]
    assert openttgames.read_mask(masks[0]).any(axis=(0, 1)).all()
    with av.open(str(clips[0].video)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == 120
        assert sum(1 for _ in container.decode(stream)) == 30


def test_the_blur_and_the_camera_lie_beside_the_labels(made, plan):
    (clip, _) = openttgames.find_clips(made)
    about = json.loads((clip.balls.parent / export.SETTINGS_FILE).read_text())
    assert about["settings"] == plan.settings(0)
    assert np.array(about["blur_px"]).shape == (30, 2)
    assert "middle of the exposure" in about["label_convention"]
    assert (about["rig"], about["fps"], about["readout_s"]) == ("side", 120.0, 0.0)
    assert 0 < about["exposure_s"] < 1 / 120


def test_finished_rallies_are_kept_and_unfinished_ones_made_again(made, plan):
    clips = openttgames.find_clips(made)
    before = clips[0].video.stat().st_mtime_ns
    clips[1].balls.unlink()
    assert export.finished(made, 0, plan)
    assert not export.finished(made, 1, plan)
    assert export.write(made, 2, plan) == [1]
    assert clips[0].video.stat().st_mtime_ns == before
    assert clips[1].balls.is_file()


def test_other_settings_in_the_same_directory_are_an_error(made, small_hall):
    other = export.Export(seconds=0.25, seed=1, masks_every=10, hall=small_hall)
    with pytest.raises(ValueError, match="other settings"):
        export.write(made, 1, other)


def test_an_error_leaves_no_finished_rally(plan, tmp_path):
    def fail():
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        export.write_rally(tmp_path, 0, plan, advance=fail)
    assert not export.finished(tmp_path, 0, plan)
    assert not list(tmp_path.glob("*.mp4"))
    with pytest.raises(OSError, match="disk full"):
        export.write(tmp_path, 3, plan, advance=fail)
    with pytest.raises(ValueError, match="--seconds"):
        export.Export(seconds=0.0)
