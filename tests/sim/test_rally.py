"""Play as a whole, and an umpire in plain Python who agrees with every point of it."""

import collections

import jax
import numpy as np
import pytest

from ttjax.geometry import fields_of_play as field
from ttjax.sim import physics, points, rally, strokes
from ttjax.sim.points import REASONS

BOUNCE, NET, TOUCH, STROKE, OUT = range(5)


@pytest.fixture(scope="module")
def varied_play():
    """Twenty minutes of everything."""
    run = jax.jit(jax.vmap(lambda key: rally.simulate(key, 1800, variety=1.0)))
    return jax.tree.map(np.asarray, run(jax.random.split(jax.random.key(11), 80)))


def test_plain_play_is_as_busy_as_real_play(plays: rally.Play):
    happened, steps = np.asarray(plays.happened), plays.present.size
    seconds = steps / rally.CONTROL_HZ
    count = happened.sum(axis=(0, 1))
    assert 40 < steps / count[BOUNCE] < 90
    assert count[NET] / seconds > 0.5
    assert count[TOUCH] / seconds > 0.05
    assert 0.03 < 1 - np.mean(plays.present) < 0.25
    assert np.mean(np.asarray(plays.phase) == rally.PLAY) > 0.5
    assert np.array_equal(plays.present, np.asarray(plays.phase) != rally.GONE)
    assert set(np.unique(plays.phase)) == {
        rally.GONE,
        rally.TOSS,
        rally.PLAY,
        rally.DEAD,
    }
    assert count[STROKE] > 40
    assert not np.any(plays.other_present)
    kinds = np.asarray(plays.kind)[happened[..., STROKE]]
    assert set(np.unique(kinds)) == {strokes.SERVE, strokes.DRIVE}
    assert plays.ball_m.shape == (4, 1200, 8, 3)
    assert np.isfinite(plays.ball_m).all()


def test_varied_play_has_every_stroke_a_second_ball_and_long_pauses(varied_play):
    kinds = varied_play.kind[varied_play.happened[..., STROKE]]
    counts = np.bincount(kinds, minlength=7)
    assert (counts > 10).all(), counts
    assert 0.05 < varied_play.other_present.mean() < 0.6
    assert np.isfinite(varied_play.ball_m).all()
    gone = varied_play.phase == rally.GONE
    seconds = [
        len(run) for row in gone for run in "".join(map(str, 1 * row)).split("0")
    ]
    assert max(seconds) > 2 * rally.CONTROL_HZ
    heights = varied_play.ball_m[..., 2][varied_play.present]
    assert 2.0 < heights.max() < 4.5


def test_bounces_lie_on_the_table_and_net_events_at_the_net(varied_play):
    happened, at = varied_play.happened, varied_play.event_m
    bounces = at[happened[..., BOUNCE], BOUNCE]
    edge = np.array([field.TABLE_LENGTH_M, field.TABLE_WIDTH_M]) / 2
    assert (np.abs(bounces) < (edge + field.BALL_RADIUS_M)[None]).all()
    # Of a ball that meets the edge itself the centre is beyond it.
    on_edge = (np.abs(bounces) > edge[None]).any(axis=1)
    assert 0.001 < on_edge.mean() < 0.03
    assert (np.abs(at[happened[..., NET], NET, 0]) < 0.3).all()
    assert (np.abs(at[happened[..., TOUCH], TOUCH, 0]) < 0.3).all()
    assert (varied_play.event_s[happened] >= 0).all()
    assert (varied_play.event_s[happened] <= 1.001 / rally.CONTROL_HZ).all()
    low = varied_play.ball_m[happened[..., BOUNCE]][..., 2].min(axis=1)
    assert (np.abs(low - physics.SURFACE_Z_M) < 0.04).all()


def test_the_racket_meets_the_ball_at_each_stroke_without_a_jump(varied_play):
    stroke = varied_play.happened[..., STROKE]
    ball = varied_play.ball_m[:, :, -1]
    gap = np.linalg.norm(varied_play.hand_m - ball[:, :, None], axis=-1)
    assert gap[stroke].min(axis=-1).max() < 0.12
    assert (gap.min(axis=-1)[varied_play.present] < 0.25).mean() < 0.2
    speed = np.linalg.norm(np.diff(varied_play.hand_m, axis=1), axis=-1)
    into = speed.max(axis=-1)[stroke[:, 1:]] * rally.CONTROL_HZ
    assert np.quantile(into, 0.99) < 20.0
    side = (ball[stroke][:, 0] > 0).astype(int)
    root = varied_play.root_m[stroke][np.arange(len(side)), side]
    reach = np.linalg.norm(ball[stroke][:, :2] - root, axis=-1)
    assert np.quantile(reach, 0.9) < 0.75


def test_players_stay_behind_their_ends_and_run_no_faster_than_people(varied_play):
    x = varied_play.root_m[..., 0]
    assert (x[..., 0] < -1.3).all()
    assert (x[..., 1] > 1.3).all()
    assert np.abs(x).max() < 4.5
    speed = np.linalg.norm(np.diff(varied_play.root_m, axis=1), axis=-1)
    assert speed.max() * rally.CONTROL_HZ < 5.0


def test_the_ball_moves_without_jumps_while_it_is_there(varied_play):
    rows, steps = varied_play.present.shape
    track = varied_play.ball_m.reshape(rows, steps * 8, 3)
    moved = np.linalg.norm(np.diff(track, axis=1), axis=-1)
    there = np.repeat(varied_play.present, 8, axis=1)
    assert moved[there[:, 1:] & there[:, :-1]].max() < 35.0 / 960
    # Where it is tossed next it waits before it appears: an exposure may reach back.
    appears = there[:, 1:] & ~there[:, :-1]
    assert appears.sum() > 100
    assert moved[appears].max() < 0.01


def events_of(play: rally.Play, row: int) -> list:
    """(time, step, kind, side) in order of time."""
    happened = np.asarray(play.happened[row])
    found = [
        (
            step / rally.CONTROL_HZ + float(play.event_s[row, step, kind]),
            step,
            rally.KINDS[kind],
            1 if play.event_m[row, step, kind, 0] > 0 else -1,
        )
        for step, kind in zip(*happened.nonzero(), strict=True)
    ]
    return sorted(found, key=lambda event: (event[0], event[2] == "stroke"))


def umpire(events, server):
    """Reason, winner and step of the first event that ends the point, or None."""
    striker, strokes, landings = 0, 0, []
    touched = False
    for _, step, kind, side in events:
        other = -striker
        if kind == "stroke":
            striker = server if strokes == 0 else other
            assert side == striker
            assert strokes == 0 or landings[-1:] == [striker]
            strokes, landings, touched = strokes + 1, [], False
        elif strokes == 0:
            continue
        elif kind == "touch":
            touched = True
        elif kind == "bounce":
            landings.append(side)
            good = [striker, other] if strokes == 1 else [other]
            if landings == good:
                if strokes == 1 and touched:
                    return "let", 0, step
            elif landings[: len(good)] == good:
                return ("double_bounce" if side == other else "miss"), striker, step
            elif landings != good[: len(landings)]:
                return ("serve_fault" if strokes == 1 else "net"), other, step
        elif kind == "out":
            if landings == ([striker, other] if strokes == 1 else [other]):
                return "miss", striker, step
            if strokes == 1:
                return "serve_fault", other, step
            return ("net" if touched and side == striker else "out"), other, step
    return None


def test_an_umpire_who_sees_only_the_events_agrees_with_every_point(varied_play):
    seen = collections.Counter()
    rows, steps = varied_play.present.shape
    for row in range(rows):
        events, point = events_of(varied_play, row), np.asarray(varied_play.point[row])
        reasons = np.asarray(varied_play.reason[row])
        for number in range(point.max() + 1):
            within = np.flatnonzero(point == number)
            server = int(varied_play.server[row, within[0]])
            due = umpire([e for e in events if point[e[1]] == number], server)
            ends = within[reasons[within] != 0]
            if due is None:
                assert len(ends) == 0
                assert within[-1] == steps - 1
                continue
            assert ends.tolist() == [due[2]]
            winner = int(varied_play.winner[row, due[2]])
            assert (REASONS[reasons[due[2]]], winner) == due[:2]
            seen[due[0]] += 1
    assert sum(seen.values()) > 150
    assert set(seen) == set(REASONS[1:]), seen


def test_after_a_let_the_same_player_serves(varied_play):
    let = np.asarray(varied_play.reason) == points.LET
    checked = 0
    for row, step in zip(*let.nonzero(), strict=True):
        later = np.asarray(varied_play.point[row]) == varied_play.point[row, step] + 1
        if later.any():
            again = np.asarray(varied_play.server[row])[later]
            assert (again == varied_play.server[row, step]).all()
            checked += 1
    assert checked > 0


def test_other_keys_give_other_rallies_and_moments_may_be_asked_of_each(plays):
    assert (np.asarray(plays.ball_m[0]) != np.asarray(plays.ball_m[1])).any()
    one = jax.tree.map(lambda leaf: leaf[0], plays)
    seen = rally.moments(one, np.ones(1, np.float32), 0.0)
    assert isinstance(seen, rally.Moments)
    assert rally.event_times(one, "net").shape == (1200,)
    assert rally.EVENTS == ("bounce", "net")
