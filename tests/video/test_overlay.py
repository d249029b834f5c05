import numpy as np
import pytest

from ttjax.fields import peaks
from ttjax.video.overlay import Painter, Spotter, even_hw
from ttjax.video.stream import Annotated


def spotted(series, **options):
    spotter, found = Spotter(**options), []
    for number, value in enumerate([*series, *[0.0] * 4]):
        happened = spotter.push({"bounce": float(value)})
        found += [number - spotter.ahead] * ("bounce" in happened)
    return found


def test_moments_are_the_peaks_in_time():
    """Bumps of the targets' shape at random heights, against the offline rule."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        centres = np.cumsum(rng.integers(9, 20, 6))
        frames = np.arange(centres[-1] + 12)
        series = np.zeros(len(frames))
        for centre in centres:
            n = frames - centre
            bump = np.where(abs(n) < 4, np.cos(n * np.pi / 8), 0)
            series = np.maximum(series, bump * rng.uniform(0.2, 1.0))
        expected = peaks.temporal_peaks(series, threshold=0.5, gap=8)
        assert spotted(series) == expected.tolist()


def test_a_plateau_and_a_near_second_peak_are_one_moment():
    assert spotted([0, 0.9, 0.9, 0, 0, 0, 0.8, 0]) == [1]
    assert spotted([0.2, 0.4, 0.2]) == []
    assert spotted([0.9] * 30) == [0]


def test_frames_without_probabilities_hold_no_event():
    spotter = Spotter(ahead=1)
    pushed = [None, {"net": 0.7}, None, {"net": 0.9}, None]
    assert [spotter.push(p) for p in pushed] == [(), (), ("net",), (), ()]


def moving(count, hw=(41, 61)):
    for n in range(count):
        ball = {"xy_px": [5.5 + 2 * n, 20.5]} if n != 3 else None
        events = {"bounce": 0.9 if n == 5 else 0.1} if n > 1 else None
        record = {"frame": n, "ball": ball, "events": events}
        masks = np.ones((4, 6, 1), np.float32) if n == 0 else None
        yield Annotated(n, np.full((*hw, 3), 90, np.uint8), record, masks)


@pytest.mark.parametrize("count", [0, 1, 3, 12])
def test_each_frame_gives_one_picture_of_even_size(count):
    painter, pictures = Painter(), []
    for number, found in enumerate(moving(count), 1):
        pictures += painter.push(found)
        assert number - len(pictures) <= Spotter().ahead
    pictures += painter.finish()
    assert [picture.shape for picture in pictures] == [(40, 60, 3)] * count
    assert all((picture != 90).any() for picture in pictures)


def test_sides_are_rounded_down_to_even():
    assert even_hw((41, 60)) == (40, 60)


def test_an_event_shows_from_its_peak_on(monkeypatch):
    painter, shown = Painter(), []

    def drawn(frame, number, *, events, **_):
        shown.append((number, events))
        return frame

    monkeypatch.setattr(painter._overlay, "draw", drawn)
    for found in moving(12):
        painter.push(found)
    painter.finish()
    expected = [(n, ("bounce",) if n == 5 else ()) for n in range(12)]
    assert shown == expected
