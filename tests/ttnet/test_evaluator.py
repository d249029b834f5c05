import dataclasses

import jax
import numpy as np
import pytest

from ttjax.samples import ABSENT, NO_EVENT, UNKNOWN, VISIBLE, Labels, Window
from ttjax.ttnet import evaluator
from ttjax.ttnet.arrays import Ball, Predictions
from ttjax.ttnet.evaluator import Evaluator

EVENTS, MASKS = ("bounce", "net"), ("table", "humans")
HW = (270, 480)


def fresh():
    return Evaluator(window=Window(3), events=EVENTS, masks=MASKS)


def offsets(frames, count):
    """Signed distance to the nearest event of each kind, seen from every frame."""
    made = np.full((count, len(frames)), NO_EVENT, np.float32)
    for kind, events in enumerate(frames):
        for frame in range(count):
            for event in events:
                if abs(event - frame) < abs(made[frame, kind]):
                    made[frame, kind] = event - frame
    return made


def series(event_offset):
    near = np.abs(event_offset) < 4
    steps = np.where(near, event_offset, 0)
    return np.where(near, np.cos(steps * np.pi / 8), 0).astype(np.float32)


def clip_of(seed, count=60):
    rng = np.random.default_rng(seed)
    state = rng.choice([VISIBLE, ABSENT, UNKNOWN], (count, 3), p=[0.7, 0.2, 0.1])
    frames = [rng.choice(count, 3, replace=False), rng.choice(count, 1)]
    labels = Labels(
        ball_xy_px=rng.uniform(0, 260, (count, 3, 2)).astype(np.float32),
        ball_state=state.astype(np.int8),
        event_offset=offsets(frames, count),
        event_known=np.repeat(rng.uniform(size=(count, 1)) > 0.1, 2, axis=1),
        masks=(rng.uniform(size=(count, 4, 6, 2)) > 0.6).astype(np.uint8),
        masks_known=rng.uniform(size=(count, 2)) > 0.5,
    )

    def ball(spread):
        return Ball(
            xy_px=(labels.ball_xy_px[:, 2] + rng.normal(0, spread, (count, 2))).astype(
                np.float32
            ),
            probability=rng.uniform(size=count).astype(np.float32),
            present=rng.uniform(size=count) > 0.2,
        )

    guess = series(labels.event_offset) + rng.normal(0, 0.2, (count, 2))
    predictions = Predictions(
        ball_global=ball(6.0),
        ball_local=ball(2.0),
        events=np.clip(guess, 0, 1).astype(np.float32),
        masks=rng.uniform(size=(count, 4, 6, 2)).astype(np.float32),
        source_hw=np.tile(np.array([HW], np.int32), (count, 1)),
    )
    return predictions, labels


def part(tree, rows):
    return jax.tree.map(lambda leaf: leaf[rows], tree)


CLIPS = {f"clip{seed}": clip_of(seed) for seed in range(4)}


@pytest.fixture(scope="module")
def scored():
    made = fresh()
    for name, (predictions, labels) in CLIPS.items():
        made.add(predictions, labels, clip=name)
    return made


@pytest.fixture(scope="module")
def table(scored):
    return scored.table()


def every(get):
    return np.concatenate([get(*clip) for clip in CLIPS.values()])


def test_ball_rows_are_those_of_a_loop(table):
    for stage in evaluator.STAGES:
        squares, hits, right, false, distances, seen = [], [], [], [], [], []
        for predictions, labels in CLIPS.values():
            ball = getattr(predictions, stage)
            for i, state in enumerate(labels.ball_state[:, 2]):
                if state == UNKNOWN:
                    continue
                present = bool(ball.present[i])
                right.append(present == (state == VISIBLE))
                if state == ABSENT:
                    false.append(present)
                    continue
                distance = np.linalg.norm(ball.xy_px[i] - labels.ball_xy_px[i, 2])
                distances.append(distance)
                hits.append(present)
                seen.append(labels.ball_xy_px[i, 2])
                if present:
                    squares.append(distance**2)
        expected = {
            "rmse_px": np.sqrt(np.mean(squares)),
            "rmse_all_px": np.sqrt(np.mean(np.square(distances))),
            "presence": np.mean(right),
            "false_presence": np.mean(false),
            **{f"pck@{px}": np.mean(np.array(distances) <= px) for px in (1, 2, 5, 10)},
        }
        for name, value in expected.items():
            assert table[f"{stage}/{name}"]["value"] == pytest.approx(value, rel=1e-5)
        middle = table[f"{stage}/median_px"]["value"]
        assert middle == pytest.approx(np.sort(distances)[(len(distances) - 1) // 2])
        # The best constants, from the labels.
        constant = np.linalg.norm(seen - np.median(seen, axis=0), axis=1)
        base = table[f"{stage}/pck@10"]["baseline"]
        assert base == pytest.approx(np.mean(constant <= 10))
        base = table[f"{stage}/rmse_px"]["baseline"]
        assert base == pytest.approx(np.sqrt(np.mean(constant**2)), rel=1e-5)
        share = len(seen) / len(right)
        assert table[f"{stage}/presence"]["baseline"] == pytest.approx(share)
        assert table[f"{stage}/false_presence"]["baseline"] == 1.0
        assert table[f"{stage}/rmse_px"]["n"] == len(squares)
    assert evaluator.PCK_PX == (1, 2, 5, 10)


def test_pce_and_spce_need_both_outputs(table):
    known = every(lambda p, t: t.event_known.all(axis=1))
    truth = every(lambda p, t: series(t.event_offset))[known]
    guess = every(lambda p, t: p.events)[known]
    pairs = list(zip(guess, truth, strict=True))
    pce = np.mean([((g >= 0.5) == (t >= 0.5)).all() for g, t in pairs])
    spce = np.mean([(np.abs(g - t) < 0.25).all() for g, t in pairs])
    assert table["events/pce"]["value"] == pytest.approx(pce)
    assert table["events/spce"]["value"] == pytest.approx(spce)
    assert table["windows/with_event"]["value"] == pytest.approx(
        (truth > 0).any(1).mean()
    )
    assert table["windows/with_event"]["n"] == known.sum()


def test_a_bounce_for_a_net_touch_is_wrong():
    """Signed differences would cancel and call it right."""
    labels = part(CLIPS["clip0"][1], slice(0, 1)).replace(
        event_offset=np.array([[NO_EVENT, 0]], np.float32),
        event_known=np.ones((1, 2), bool),
    )
    made = fresh()
    made.add(
        Predictions(
            events=np.array([[1.0, 0.0]], np.float32),
            source_hw=np.array([HW], np.int32),
        ),
        labels,
        clip="a",
    )
    table = made.table()
    assert table["events/pce"]["value"] == 0
    assert table["events/spce"]["value"] == 0


def test_iou_is_of_sums_and_not_dice(table):
    values = []
    for index, name in enumerate(MASKS):
        known = every(lambda p, t, i=index: t.masks_known[:, i])
        truth = every(lambda p, t, i=index: t.masks[..., i] > 0)[known]
        guess = every(lambda p, t, i=index: p.masks[..., i] >= 0.5)[known]
        both, either = (truth & guess).sum(), (truth | guess).sum()
        values.append(both / either)
        row = table[f"masks/{name}/iou"]
        assert row["value"] == pytest.approx(both / either)
        assert row["value"] < 2 * both / (truth.sum() + guess.sum()) - 0.1
        assert row["n"] == known.sum()
        assert row["baseline"] >= truth.mean() - 1e-9
    assert table["masks/iou"]["value"] == pytest.approx(np.mean(values))


def test_events_are_found_in_untrimmed_video():
    labels = dataclasses.replace(
        CLIPS["clip0"][1],
        event_offset=offsets([[10, 30, 50], [20]], 60),
        event_known=np.ones((60, 2), bool),
    )
    exact = series(labels.event_offset)
    late = np.roll(exact, 2, axis=0)
    late[:, 1] = 0.0
    for guess, tolerance, expected in (
        (exact, 1, (1, 1, 1, 1)),
        (late, 1, (0, 0, 0, 0)),
        (late, 2, (1, 1, 1, 0)),
    ):
        made = fresh()
        predictions = Predictions(events=guess, source_hw=CLIPS["clip0"][0].source_hw)
        made.add(predictions, labels, clip="a")
        table = made.table()
        rows = ("precision", "recall", "f1")
        got = [table[f"events/bounce/{row}@{tolerance}"]["value"] for row in rows]
        assert (*got, table[f"events/net/f1@{tolerance}"]["value"]) == expected
    # The constant that always says yes peaks every eight frames: 8 peaks, of which 8
    # (frame 8), 32 and 48 lie within two frames of an event.
    base = table["events/bounce/f1@2"]["baseline"]
    assert base == pytest.approx(2 * 3 / (8 + 3))
    assert evaluator.TOLERANCES == (1, 2, 4)


def test_unknown_labels_are_ignored_everywhere():
    rows = slice(0, 30)
    predictions, labels = CLIPS["clip1"]
    hidden = dataclasses.replace(
        labels,
        ball_state=labels.ball_state.copy(),
        event_known=labels.event_known.copy(),
        masks_known=labels.masks_known.copy(),
    )
    hidden.ball_state[30:] = UNKNOWN
    hidden.event_known[30:] = False
    hidden.masks_known[30:] = False
    some, only = fresh(), fresh()
    some.add(predictions, hidden, clip="a")
    only.add(part(predictions, rows), part(labels, rows), clip="a")
    some, only = some.table(), only.table()
    for name, row in only.items():
        if name != "windows/480x270":
            assert some[name] == pytest.approx(row), name


def test_presence_is_the_frames_not_the_crops(table):
    """A local stage that misses because its crop was elsewhere counts as a miss."""
    predictions, labels = part(CLIPS["clip0"], slice(0, 4))
    labels = dataclasses.replace(labels, ball_state=np.full((4, 3), VISIBLE, np.int8))
    absent = dataclasses.replace(predictions.ball_local, present=np.zeros(4, bool))
    made = fresh()
    made.add(dataclasses.replace(predictions, ball_local=absent), labels, clip="a")
    assert made.table()["ball_local/presence"]["value"] == 0
    assert "ball_local/rmse_px" not in made.table()
    assert made.table()["ball_local/rmse_all_px"]["n"] == 4


def test_merged_evaluators_equal_one(scored):
    first, second = fresh(), fresh()
    for name, (predictions, labels) in CLIPS.items():
        if name == "clip3":
            second.add(predictions, labels, clip=name)
        else:
            for rows in (slice(0, 25), slice(25, 60)):
                first.add(part(predictions, rows), part(labels, rows), clip=name)
    merged = first.merge(second)
    expected = scored.table()
    got = merged.table()
    assert set(got) == set(expected)
    for name, row in expected.items():
        assert got[name] == pytest.approx(row), name
    assert set(first.table()) != set() != set(second.table())


def test_a_clip_in_two_evaluators_goes_on_where_the_first_ends():
    predictions, labels = CLIPS["clip2"]
    whole, first, second = fresh(), fresh(), fresh()
    whole.add(predictions, labels, clip="a")
    first.add(part(predictions, slice(0, 31)), part(labels, slice(0, 31)), clip="a")
    second.add(part(predictions, slice(31, 60)), part(labels, slice(31, 60)), clip="a")
    merged = first.merge(second).table()
    for name, row in whole.table().items():
        assert merged[name] == pytest.approx(row), name


def test_intervals_need_three_clips_and_hold_the_value(table):
    for name in (
        "ball_local/rmse_px",
        "ball_global/median_px",
        "events/pce",
        "masks/iou",
    ):
        row = table[name]
        assert row["low"] <= row["value"] <= row["high"]
    one = fresh()
    one.add(*CLIPS["clip0"], clip="a")
    assert "low" not in one.table()["events/pce"]


def test_rows_are_the_table_and_sizes_are_stated(scored, table):
    rows = scored.rows()
    assert [row["metric"] for row in rows] == list(table)
    assert rows[0]["value"] == table[rows[0]["metric"]]["value"]
    assert table["windows/480x270"] == {"value": 1.0, "n": 240.0}
    assert all(np.isfinite(list(row.values())).all() for row in table.values())
    assert fresh().table() == {}


def test_predictions_without_labels_are_an_error():
    predictions, labels = CLIPS["clip0"]
    with pytest.raises(ValueError, match="a prediction and a label"):
        fresh().add(part(predictions, slice(0, 5)), labels, clip="a")
