import pytest

from ttjax.datasets import extraction, workers  # pyright: ignore[reportMissingImports]
from ttjax.datasets.tracknet import plans  # pyright: ignore[reportMissingImports]
from ttjax.formats import stack_file, tracknet


@pytest.fixture
def clips(dummy):
    """Two sound clips around one whose video ends early."""
    folder = dummy("tracknet")
    found = [
        plans.plan(entry, frames=9, hidden_absent=False)
        for entry in tracknet.find(folder)
    ]
    video = found[1].video
    video.write_bytes(video.read_bytes()[:4000])
    return found


@pytest.mark.parametrize("count", [1, 2])
def test_a_bad_clip_stops_all_or_is_reported(clips, tmp_path, count):
    settings = extraction.Settings()
    with pytest.raises(ValueError, match=r"rally\.mp4"):
        workers.extract(tmp_path, clips, settings, workers=count)
    left_out = workers.extract(tmp_path, clips, settings, workers=count, skip_bad=True)
    assert [isinstance(one, workers.Skipped) for one in left_out] == [True]
    assert left_out[0].clip == "hall_2/rally"
    assert "rally.mp4" in left_out[0].error
    for index in (0, 2):
        path = extraction.part(tmp_path, clips[index], settings)
        assert len(list(stack_file.heads(path))) == 52
