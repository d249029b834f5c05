import dataclasses
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.deepsportlab import pictures
from ttjax import task
from ttjax.deepsportlab import evaluator
from ttjax.deepsportlab.arrays import Overflow, Predictions
from ttjax.deepsportlab.ball_detection import BallDetection
from ttjax.deepsportlab.evaluator import Evaluator, Truncation
from ttjax.deepsportlab.truth import Truth
from ttjax.metrics import intervals
from ttjax.samples import ABSENT, UNKNOWN, VISIBLE
from ttjax.scenes import CourtCamera, SceneLabels, SceneSpec, SourceLabels

HW, N = (61, 81), 6


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 40)


def labels_of(rng, count=4):
    """Players who are boxes with joints inside, a ball in most pictures."""
    centre = rng.uniform((15, 15), (65, 45), (count, N, 2))
    half = rng.uniform(4, 12, (count, N, 2))
    ids = np.stack(
        [pictures.painted(c, h, HW) for c, h in zip(centre, half, strict=True)]
    )
    joints = (
        centre[:, :, None] + rng.uniform(-1, 1, (count, N, 17, 2)) * half[:, :, None]
    )
    players = rng.uniform(size=(count, N)) < 0.9
    for picture, there in zip(ids, players, strict=True):
        for row in range(N):
            # Nobody without a pixel: masks do not find him.
            there[row] &= (picture[::2, ::2] == row + 1).any()
            picture[(picture == row + 1) & ~there[row]] = 0
    return SceneLabels(
        ids=ids,
        masks_known=np.ones(count, np.bool_),
        players=players,
        crowd=np.zeros((count, N), np.bool_),
        box_px=np.concatenate([centre - half, centre + half], axis=2).astype(
            np.float32
        ),
        joints_px=joints.astype(np.float32),
        joint_state=rng.integers(0, 3, (count, N, 17)).astype(np.int8),
        joints_known=np.ones(count, np.bool_),
        ball_xy_px=rng.uniform(10, 50, (count, 2)).astype(np.float32),
        ball_state=rng.choice([VISIBLE, VISIBLE, ABSENT, UNKNOWN], count).astype(
            np.int8
        ),
        ball_diameter_px=np.full(count, 6, np.float32),
    )


def perfect(labels, *, scale=2.0, stride=1, noise=0.0, rng=None):
    """What a perfect network predicts of a picture, `scale` source px per pixel."""
    count = len(labels.players)
    off = 0.0 if rng is None else rng.normal(0, noise, labels.joints_px.shape)
    found = (labels.joint_state > 0) & labels.players[..., None]
    box = labels.box_px
    visible = labels.ball_state == VISIBLE
    return Predictions(
        ids=jnp.asarray(labels.ids[:, ::stride, ::stride]),
        present=jnp.asarray(labels.players),
        score=jnp.asarray(labels.players * 0.9),
        centre_px=jnp.asarray(scale * 0.5 * (box[..., :2] + box[..., 2:])),
        area_px=jnp.ones((count, N)),
        joints_px=jnp.asarray(scale * (labels.joints_px + off)),
        joint_score=jnp.asarray(found * 1.0),
        ball_px=jnp.asarray(scale * labels.ball_xy_px),
        ball_score=jnp.asarray(visible * 0.9),
        overflow=Overflow(
            cells=jnp.zeros(count, jnp.bool_), players=jnp.arange(count) == 0
        ),
        to_source=jnp.full((count, 2), scale * stride, jnp.float32),
    )


def of(labels, guess, **settings):
    made = Evaluator(**settings)
    made.add(guess, labels, clip="a")
    return made


def values(table):
    return {name: row["value"] for name, row in table.items()}


@pytest.mark.parametrize("stride", [1, 2])
def test_a_perfect_network_is_perfect(stride):
    labels = labels_of(np.random.default_rng(0), 5)
    table = of(labels, perfect(labels, stride=stride), stride=stride).table()
    got = values(table)
    for name in ("bDQ", "bDQ/21", "ball/top1", "pSQ", "pDQ", "pPQ", "errors/good"):
        assert got[name] == 1.0, name
    for name in ("joints/AP", "joints/AR", "joints/F1", "joints/OKS", "masks/AP"):
        np.testing.assert_allclose(got[name], 1.0, err_msg=name)
    for name in ("pEQ/standard/AP", "pEQ/legacy/AR", "pEQ/legacy/F1"):
        assert name in got
    np.testing.assert_allclose(got["pEQ/standard/AP"], 1.0)
    np.testing.assert_allclose(got["ball/median_px"], 0.0, atol=1e-5)
    assert got["truncated"] == 1 / 5
    assert table["bDQ"]["baseline"] < 1
    assert table["pDQ"]["baseline"] == 0
    assert table["pDQ"]["n"] == np.sum(
        [len(np.unique(one)) - 1 for one in labels.ids[:, ::stride, ::stride]]
    )
    low, high = table["joints/OKS"]["low"], table["joints/OKS"]["high"]
    np.testing.assert_allclose((low, high), 1.0)


@pytest.mark.parametrize(("image_hw", "stride"), [((49, 49), 2), ((129, 97), 1)])
def test_a_perfect_network_is_perfect_on_pictures_of_another_size(image_hw, stride):
    """Labels in px of pictures that are larger, or smaller, than what a network sees.

    Each pixel of the map is asked of the picture at its centre; padding is nobody's.
    """
    labels = labels_of(np.random.default_rng(0), 5)
    shown = SceneSpec(image_hw).fitted_hw(HW)
    scale = np.array([HW[1] / shown[1], HW[0] / shown[0]])
    ids = np.zeros((5, *(len(range(0, side, stride)) for side in image_hw)), np.uint8)
    for row in range(ids.shape[1]):
        for column in range(ids.shape[2]):
            y = int((row * stride + 0.5) * scale[1])
            x = int((column * stride + 0.5) * scale[0])
            if y < HW[0] and x < HW[1]:
                ids[:, row, column] = labels.ids[:, y, x]
    there = [[(one == row + 1).any() for row in range(N)] for one in ids]
    labels = dataclasses.replace(labels, players=labels.players & np.array(there))
    guess = dataclasses.replace(
        perfect(labels, scale=1.0),
        ids=jnp.asarray(ids),
        to_source=jnp.tile(jnp.asarray(stride * scale, jnp.float32)[None], (5, 1)),
    )
    got = values(of(SourceLabels(labels), guess, stride=stride).table())
    perfect_ones = ("bDQ", "pSQ", "pDQ", "errors/good", "masks/AP", "masks/AR")
    for name in (*perfect_ones, "joints/AP", "joints/OKS", "pEQ/standard/AP"):
        np.testing.assert_allclose(got[name], 1.0, err_msg=name)
    np.testing.assert_allclose(got["ball/median_px"], 0.0, atol=1e-5)
    with pytest.raises(ValueError, match="set `stride`"):
        of(labels, guess, stride=stride)


def test_annotated_points_and_the_court_reach_the_scores():
    """Two annotated players, one beside the court; somebody there is found as well."""
    labels = labels_of(np.random.default_rng(0), 1)
    places = np.array([[20.0, 10], [50, 10], [70, 20], [0, 0], [0, 0], [0, 0]])
    points = places[:, None] + np.array([[0.0, 0], [0, 15], [-4, 30], [4, 30]])[None]
    joints = np.zeros((N, 17, 2), np.float32)
    for kinds, point in (((3, 4), 0), ((11, 12), 1), ((15,), 2), ((16,), 3)):
        joints[:, list(kinds)] = points[:, point, None]
    found = np.zeros((N, 17), np.int8)
    found[:3, [3, 4, 11, 12, 15, 16]] = 2
    players = (np.arange(N) < 3)[None]
    seen = dataclasses.replace(
        labels,
        players=players,
        joints_px=joints[None],
        joint_state=found[None],
        box_px=np.concatenate([points.min(1), points.max(1)], 1)[None].astype("f4"),
    )
    guess = perfect(seen, scale=1.0)
    truth = dataclasses.replace(
        seen,
        players=(np.arange(N) < 2)[None],
        joints_known=np.zeros(1, np.bool_),
        joint_state=np.zeros_like(found)[None],
    )
    # A camera that looks straight down from 100 m, a metre of the floor being a pixel.
    court = CourtCamera(
        size_hw=np.array([HW], np.int32),
        matrix=np.array([[[100.0, 0, 40], [0, 100.0, 30], [0, 0, 1]]]),
        rotation=np.diag([1.0, -1.0, -1.0])[None],
        translation=np.array([[0.0, 0.0, 100.0]]),
        distortion=np.zeros((1, 5)),
        lines_m=np.array([[-40.0, -30.0, 0.0, 30.0]]),
    )

    def scored(court):
        given = SourceLabels(
            truth, points[None].astype(np.float32), truth.players, court
        )
        return of(given, guess, stride=1).table()

    got = scored(court)
    assert "joints/AP" not in got
    assert got["pEQ/standard/AP"]["n"] == 1, "of the text: nobody beside the court"
    np.testing.assert_allclose(got["pEQ/standard/AP"]["value"], 1.0)
    # As published: he who is matched stays, the third pose is left out.
    assert got["pEQ/legacy/AP"]["n"] == 2
    np.testing.assert_allclose(got["pEQ/legacy/AP"]["value"], 1.0)
    everybody = scored(None)
    assert everybody["pEQ/standard/AP"]["n"] == 2
    np.testing.assert_allclose(everybody["pEQ/legacy/AP"]["value"], 2 / 3)
    np.testing.assert_allclose(everybody["pEQ/legacy/AR"]["value"], 1.0)


def test_scores_do_not_depend_on_the_size_of_a_pixel_in_source_px():
    labels = labels_of(np.random.default_rng(1))
    tables = [
        values(
            of(
                labels,
                perfect(labels, scale=s, noise=1.0, rng=np.random.default_rng(2)),
            ).table()
        )
        for s in (1.0, 2.5)
    ]
    for name, value in tables[0].items():
        if "px" not in name:
            np.testing.assert_allclose(value, tables[1][name], rtol=1e-5, err_msg=name)
    assert tables[0]["joints/OKS"] < 1


def test_truths_score_as_the_labels_they_were_made_from():
    labels = labels_of(np.random.default_rng(3))
    guess = perfect(labels, noise=1.5, rng=np.random.default_rng(4))
    truths = [Truth.of_labels(labels, i, scale=(2.0, 2.0)) for i in range(4)]
    assert of(labels, guess).table() == of(truths, guess).table()


def test_parts_merge_to_the_whole():
    labels = labels_of(np.random.default_rng(5), 6)
    guess = perfect(labels, noise=1.5, rng=np.random.default_rng(6))
    guess = jax.tree.map(np.asarray, guess)

    def part(which):
        cut = jax.tree.map(lambda leaf: leaf[which], (labels, guess))
        return of(*cut)

    whole = of(labels, guess)
    merged = part(slice(0, 2)).merge(part(slice(2, 6)))
    assert merged.table() == whole.table()
    assert whole.rows()[0]["metric"] in whole.table()
    assert isinstance(whole, task.Evaluator)


def test_intervals_hold_the_value():
    rng = np.random.default_rng(7)
    labels = labels_of(rng, 12)
    table = of(labels, perfect(labels, noise=2.0, rng=rng)).table()
    for name in ("joints/AP", "joints/OKS", "pEQ/legacy/AP", "pEQ/standard/F1"):
        row = table[name]
        assert row["low"] < row["value"] < row["high"], name


def test_what_is_kept_of_a_picture_does_not_grow_with_its_pixels():
    sizes = []
    for factor in (1, 8):
        labels = labels_of(np.random.default_rng(8))
        guess = perfect(labels)
        big = np.kron(labels.ids, np.ones((1, factor, factor), np.uint8))
        made = of(
            dataclasses.replace(labels, ids=big),
            dataclasses.replace(guess, ids=jnp.asarray(big)),
        )
        sizes.append(len(pickle.dumps(made._records)))
    assert sizes[0] < 14_000
    assert sizes[1] < sizes[0] + 100, "larger numbers, no more of them"


def test_measures_are_chosen_by_the_heads():
    labels = labels_of(np.random.default_rng(9))
    guess = perfect(labels)
    ball = of(labels, guess, measures=evaluator.BALL)
    assert {name.split("/")[0] for name in ball.table()} == {"bDQ", "ball"}
    masks = of(labels, dataclasses.replace(guess, ids=None), measures=evaluator.MASKS)
    assert masks.table() == {}
    assert not {
        name
        for name in of(labels, guess, measures=evaluator.POSES).table()
        if "DQ" in name
    }
    assert Evaluator().table() == {}
    with pytest.raises(ValueError, match="measure the same"):
        ball.merge(masks)


def test_labels_and_predictions_must_belong_together():
    labels = labels_of(np.random.default_rng(10))
    with pytest.raises(ValueError, match="4 predictions for 3 labels of 'x'"):
        Evaluator().add(
            perfect(labels), labels_of(np.random.default_rng(0), 3), clip="x"
        )
    with pytest.raises(ValueError, match="set `stride`"):
        of(labels, perfect(labels, stride=2))
    with pytest.raises(ValueError, match="for 0 labels"):
        Evaluator().add(perfect(labels), [], clip="x")


def test_swaps_come_before_scores():
    labels = labels_of(np.random.default_rng(11))
    made = of(
        labels,
        perfect(labels),
        swap=lambda guess, truth: dataclasses.replace(guess, truncated=True),
    )
    assert values(made.table())["truncated"] == 1.0
    assert Truncation().statistics([True, False])["truncated"].n == 2
    assert BallDetection() in evaluator.EVERY
