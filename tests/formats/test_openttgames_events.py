import collections
import json
import math
import warnings

import numpy as np
import pytest

from ttjax.formats import openttgames, openttgames_events

CLIPS = [*(f"game_{n}" for n in range(1, 6)), *(f"test_{n}" for n in range(1, 8))]


def balls(*frames):
    xy = np.full((len(frames), 2), 5.5, np.float32)
    state = np.ones(len(frames), np.int8)
    return openttgames.Balls(np.array(frames, np.int64), xy, state)


def store(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(content))
    return folder / name


def test_extended_labels_become_strokes_endings_and_events(tmp_path):
    content = {
        "20": "net",
        "9": "bounce",
        "12": "left_backhand_loop back_heavy both_feet_planted",
        "40": "right_miss_on_own_side",
        "41": "xright_backhand_loop neutral unknown",
        "42": "point",
        "50": "empty_event",
    }
    path = store(tmp_path, openttgames_events.EXTENDED_FILE, content)
    read: openttgames_events.Extended = openttgames_events.read_extended(path)
    assert {k: v.tolist() for k, v in read.events.items()} == {
        "bounce": [9],
        "net": [20],
        "empty_event": [50],
    }
    assert read.strokes == (
        openttgames_events.Stroke(
            12, "left", "backhand", "loop", "back_heavy", "both_feet_planted"
        ),
    )
    ending = openttgames_events.Ending(40, "right", "miss_on_own_side")
    assert read.endings == (ending,)
    assert read.other == {41: content["41"], 42: "point"}
    store(tmp_path, openttgames_events.EXTENDED_FILE, {"3": 7})
    with pytest.raises(ValueError, match="frame 3 has 7"):
        openttgames_events.read_extended(path)


def test_the_original_comes_before_its_derivatives(tmp_path):
    names = [
        openttgames.EVENTS_FILE,
        openttgames_events.BOUNCE_NET_FILE,
        openttgames_events.EXTENDED_FILE,
    ]
    for number, name in reversed(list(enumerate(names, 1))):
        store(tmp_path, name, {str(number): "bounce"})
        found = openttgames_events.find(tmp_path, balls(1, 2, 3))
        assert found["bounce"].tolist() == [number]
    assert openttgames_events.find(tmp_path / "none", balls(1)) == {}


def test_strokes_alone_leave_the_events_unknown(tmp_path):
    store(tmp_path, openttgames_events.EXTENDED_FILE, {"3": "left_out"})
    assert openttgames_events.find(tmp_path, balls(3)) == {}


def test_another_clip_s_events_are_refused(tmp_path):
    wrong = {"10": "bounce", "20": "net", "30": "bounce"}
    store(tmp_path, openttgames_events.EXTENDED_FILE, wrong)
    with pytest.warns(UserWarning, match="33% only .not at frame 20"):
        assert openttgames_events.find(tmp_path, balls(10, 11)) == {}
    store(tmp_path, openttgames.EVENTS_FILE, wrong)
    with pytest.raises(ValueError, match="another clip"):
        openttgames_events.find(tmp_path, balls(10, 11))
    events = openttgames.read_events(tmp_path / openttgames.EVENTS_FILE)
    assert openttgames_events.labelled(events, balls(10, 30)) == (2 / 3, 20)
    assert openttgames_events.labelled({}, balls(10)) == (1.0, None)


def test_windows_of_an_event_end_where_a_ball_is_labelled():
    known = balls(*range(0, 200), 304)
    assert openttgames_events.windows(100, known).tolist() == list(range(96, 113))
    assert openttgames_events.windows(300, known).tolist() == [304]


@pytest.fixture(scope="module")
def real_events(real_data):
    """Clip -> events and balls; game_4's file is a copy of game_5's."""
    found = {}
    for clip in CLIPS:
        folder = real_data / "openttgames" / "annotations" / clip
        known = openttgames.read_balls(folder / openttgames.BALL_FILE)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found[clip] = openttgames_events.find(folder, known), known
        assert [clip] * len(caught) == ["game_4"] * len(caught)
        assert (found[clip][0] == {}) == (clip == "game_4")
        assert (len(caught) == 1) == (clip == "game_4")
    return found


def test_real_events_are_counted(real_events):
    counts = {
        clip: (len(events["bounce"]), len(events["net"]))
        for clip, (events, _) in real_events.items()
        if events
    }
    games = [(226, 182), (589, 431), (239, 187), (246, 187)]
    tests = [(31, 24), (28, 21), (31, 18), (45, 29), (34, 26), (41, 38), (29, 24)]
    assert list(counts.values()) == games + tests


def test_real_events_and_windows_make_the_pairs_of_the_paper_s_scheme(real_events):
    """Targets differ where two events within 8 frames share a middle frame."""
    pairs, middles, conflicting, windows = 0, 0, 0, 0
    for events, known in real_events.values():
        windows += len(known.frames)
        targets = collections.defaultdict(set)
        for index, kind in enumerate(("bounce", "net")):
            for event in events.get(kind, ()):
                for step in range(-8, 9):
                    height = math.cos(step * math.pi / 8) if abs(step) < 4 else 0.0
                    pair = [0.0, 0.0]
                    pair[index] = round(height, 6)
                    targets[int(event) + step].add(tuple(pair))
                    pairs += 1
        middles += len(targets)
        conflicting += sum(len(distinct) > 1 for distinct in targets.values())
    assert (pairs, middles, conflicting, windows) == (46002, 44035, 831, 52987)


def test_nearly_all_real_events_have_seventeen_labelled_windows(real_events):
    counts = [
        len(openttgames_events.windows(int(event), known))
        for events, known in real_events.values()
        for kind in ("bounce", "net")
        for event in events.get(kind, ())
    ]
    assert (len(counts), counts.count(17)) == (2706, 2704)
