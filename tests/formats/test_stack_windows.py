import dataclasses

import numpy as np
import pytest

from ttjax.formats import openttgames, openttgames_events, stack_record, stack_windows

T = 9


def table(frames, events=None, masks=()):
    frames = np.array(frames, np.int64)
    return stack_windows.Table(
        clip="a",
        source_hw=(1080, 1920),
        frames=frames,
        ball_xy_px=np.stack([frames, 2 * frames], 1).astype(np.float32),
        ball_state=(frames % 5 != 0).astype(np.int8),
        events={k: np.array(v, np.int64) for k, v in (events or {}).items()},
        mask_frames=np.array(masks, np.int64),
    )


def test_unlabelled_frames_are_unknown():
    xy, state = stack_windows.ball(table([3, 5, 7]), np.arange(2, 9))
    assert state.tolist() == [-1, 1, -1, 0, -1, 1, -1]
    np.testing.assert_array_equal(xy[[1, 3, 5]], [[3, 6], [0, 0], [7, 14]])
    _, state = stack_windows.ball(table([]), np.arange(3))
    assert (state == stack_record.UNKNOWN).all()


def test_windows_of_different_runs_share_no_frame():
    newest = np.array([8, 9, 17, 18, 40, 49, 57])
    found = stack_windows.runs(newest, T)
    assert found.tolist() == [0, 0, 0, 0, 1, 2, 2]
    for one, run in zip(newest, found, strict=True):
        for other, its in zip(newest, found, strict=True):
            assert abs(one - other) >= T or run == its


def test_each_labelled_or_masked_frame_ends_one_window():
    known = table([7, 8, 30], {"bounce": [6], "net": []}, masks=[8, 50])
    windows = stack_windows.of_frames(known, T)
    assert all(isinstance(one, stack_windows.Window) for one in windows)
    assert [w.newest for w in windows] == [8, 30, 50]
    assert [w.run for w in windows] == [0, 1, 2]
    np.testing.assert_array_equal(windows[0].event_offset, [2, np.inf])
    np.testing.assert_array_equal(windows[1].event_offset, [np.inf, np.inf])


def test_the_nearest_event_counts_up_to_sixteen_steps():
    known = table([1], {"bounce": [10, 40], "net": [99]})
    found = stack_windows.nearest(known, np.array([26, 25, 24, 56, 57]))
    assert found[:, 0].tolist() == [14, -15, -14, -16, np.inf]
    assert found[:, 1].tolist() == [np.inf] * 5


@pytest.mark.parametrize("seed", range(3))
def test_windows_are_those_of_a_loop_over_frames_and_events(seed):
    rng = np.random.default_rng(seed)
    frames = np.flatnonzero(rng.random(400) < 0.7)
    events = {
        kind: np.flatnonzero(rng.random(400) < 0.03)
        for kind in ("bounce", "net", "empty_event")
    }
    known = table(frames, events)

    def steps(newest, happened):
        gaps = sorted((abs(e - newest + T // 2), e - newest + T // 2) for e in happened)
        return gaps[0][1] if gaps and gaps[0][0] <= 16 else np.inf

    single = [
        (frame, [steps(frame, events[kind]) for kind in ("bounce", "net")])
        for frame in frames
        if frame >= T - 1
    ]
    found = stack_windows.of_frames(known, T)
    assert [(w.newest, w.event_offset.tolist()) for w in found] == single
    pairs = [
        (frame, [steps(frame, [e] if k == kind else []) for k in ("bounce", "net")])
        for kind in events
        for e in events[kind]
        for frame in range(e - 4, e + 13)
        if frame in frames and frame >= T - 1
    ]
    found = stack_windows.of_events(known, T)
    assert [(w.newest, w.event_offset.tolist()) for w in found] == sorted(
        pairs, key=lambda pair: pair[0]
    )


def test_pairs_know_their_own_event_only():
    known = table(range(200), {"bounce": [100], "net": [105], "empty_event": [150]})
    pairs = stack_windows.of_events(known, T)
    assert len(pairs) == 3 * 17
    both = [w for w in pairs if w.newest == 104]
    assert [w.event_offset.tolist() for w in both] == [[0, np.inf], [np.inf, 5]]
    assert [w.newest for w in pairs] == sorted(w.newest for w in pairs)
    sparse = table([*range(96, 113), 154], {"bounce": [100], "empty_event": [150]})
    assert len(stack_windows.of_events(sparse, T)) == 18


def test_facts_are_those_of_the_newest_and_the_middle_frame():
    known = table(range(20, 40), {"bounce": [30]})
    (window,) = [w for w in stack_windows.of_frames(known, T) if w.newest == 33]
    corner = np.array([4, 6], np.int32)
    found = stack_windows.facts(known, window, T, canvas_xy=corner, group="g")
    stack_record.check(found)
    assert found.event_offset.tolist() == [1, np.inf]
    assert found.event_known.tolist() == [True, False]
    assert found.kind == stack_record.EVENT
    np.testing.assert_array_equal(found.ball_xy_px[-1], [33, 66])
    assert dataclasses.astuple(found)[:2] == ("a", 33)


def test_held_out_groups_are_whole_few_and_always_the_same():
    sizes = {f"g{n}": 17 for n in range(100)}
    chosen = stack_windows.held_out(sizes, 0.2)
    assert len(chosen) == 20
    assert chosen == stack_windows.held_out(dict(reversed(sizes.items())), 0.2)
    assert chosen != stack_windows.held_out(sizes, 0.2, seed=1)
    assert stack_windows.held_out({"one": 5}, 0.2) == frozenset()
    assert len(stack_windows.held_out({"one": 5, "two": 5}, 0.9)) == 1


def test_real_labels_make_as_many_windows_as_there_are_labels(real_data):
    root = real_data / "openttgames" / "annotations"
    windows = pairs = 0
    for folder in sorted(root.glob("*_?")):
        balls = openttgames.read_balls(folder / openttgames.BALL_FILE)
        events = {}
        if folder.name != "game_4":
            events = openttgames_events.find(folder, balls)
        known = stack_windows.Table(
            folder.name,
            (1080, 1920),
            balls.frames,
            balls.xy_px,
            balls.state,
            {
                kind: events.get(kind, np.zeros(0, np.int64))
                for kind in ("bounce", "net")
            },
            np.zeros(0, np.int64),
        )
        windows += len(stack_windows.of_frames(known, T))
        pairs += len(stack_windows.of_events(known, T))
    assert windows == 52987
    # Two events of game_5 lack labels around them, 17 windows each would be 46,002.
    assert pairs == pytest.approx(46002, abs=34)
