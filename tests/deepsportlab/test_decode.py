import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bench import made_fields
from tests.deepsportlab import loops, players
from ttjax.deepsportlab import assign, decode
from ttjax.deepsportlab.arrays import Inputs
from ttjax.deepsportlab.decoder import Decoder
from ttjax.fields.splat import Splat

HW = (145, 161)
TIGHT = Decoder(players=8, sources=96, queries=16)
SPLATS = {"literal": Splat(), "released": Splat(truncate_sigma=1.0)}
GROUPINGS = {
    "peak to mask": assign.PeakToMask(),
    "argmax in mask": assign.ArgmaxInMask(),
}


@functools.cache
def jitted(decoder, function=decode.predictions):
    return jax.jit(lambda outputs, inputs: function(outputs, inputs, decoder))


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(1)
    return players.crowd(rng, HW, count=5, pairs=1, height_px=(55.0, 70.0))


@pytest.fixture(scope="module")
def outputs(made):
    return made_fields.fields(made, noise=np.random.default_rng(2))


@pytest.fixture(scope="module")
def inputs(made):
    return made_fields.inputs(made)


def compare(got, oracle, *, in_masks, slopes):
    """Rows in another order, positions to a pixel, ids but for pixels between two.

    Joints on a border of masks may go to either side: positions differ by half a pixel.
    """
    rows, kept, ids, group, ball = oracle
    assert int(got.present[0].sum()) == sum(kept)
    ours, checked = np.zeros_like(ids), 0
    for number in np.flatnonzero(kept):
        row = rows[number]
        _, x, y = row["centre"]
        away = np.hypot(got.centre_px[0, :, 0] - x, got.centre_px[0, :, 1] - y)
        n = int(np.where(got.present[0], away, np.inf).argmin())
        assert away[n] <= 1.0
        ours[np.asarray(got.ids[0]) == n + 1] = number + 1
        assert abs(got.area_px[0, n] - row["area"]) <= 0.01 * row["area"] + 8.0
        for kind in range(17):
            found = got.joint_score[0, n, kind] > 0
            mine = np.asarray(got.joints_px[0, n, kind])
            theirs = np.array(row["joints"].get(kind, (0, *mine))[1:])
            if (kind in row["slopes"] and not slopes) or not all(
                loops.uniform(ids if in_masks else group, place[0], place[1], 2)
                for place in (mine, theirs)
                if found or place is theirs
            ):
                continue
            assert found == (kind in row["joints"])
            assert np.hypot(*(mine - theirs)) <= 1.0 or not found
            checked += 1
    assert checked > 0.5 * 17 * sum(kept)
    assert (ours == ids).mean() > 0.999
    _, x, y = ball
    assert np.hypot(*(np.asarray(got.ball_px[0]) - (x, y))) <= 1.0


@pytest.mark.parametrize(
    ("grouping", "spread"),
    [
        ("peak to mask", "released"),
        ("argmax in mask", "literal"),
        pytest.param("peak to mask", "literal", marks=pytest.mark.slow),
        pytest.param("argmax in mask", "released", marks=pytest.mark.slow),
    ],
)
def test_sparse_and_dense_agree_with_the_loop(outputs, inputs, grouping, spread):
    decoder = dataclasses.replace(
        TIGHT,
        splat=SPLATS[spread],
        grouping=GROUPINGS[grouping],
        cell_threshold=0.15,
    )
    in_masks = grouping == "argmax in mask"
    oracle = loops.decode(outputs, decoder, image_hw=HW, in_masks=in_masks)
    for function in (decode.predictions, decode.dense_predictions):
        got = jitted(decoder, function)(outputs, inputs)
        assert not got.overflow.cells[0]
        assert not got.overflow.players[0]
        slopes = function is decode.dense_predictions
        compare(got, oracle, in_masks=in_masks, slopes=slopes)


def test_every_clear_joint_of_a_crowd_is_found_and_its_own(made, outputs, inputs):
    assert players.overlapping(made)
    got = jitted(TIGHT)(outputs, inputs)
    clear = players.clear(made)
    assert clear.sum() > 60
    away = np.linalg.norm(
        np.asarray(got.centre_px[0])[None] - made.centre_px[:, None], axis=-1
    )
    row = np.where(got.present[0], away, np.inf).argmin(1)
    assert sorted(row) == list(range(5))
    error = np.linalg.norm(np.asarray(got.joints_px[0])[row] - made.joints_px, axis=-1)
    assert (np.asarray(got.joint_score[0])[row] > 0)[clear].all()
    assert error[clear].max() < 0.6
    for n, m in enumerate(row):
        ours, truth = np.asarray(got.ids[0]) == m + 1, made.ids[::2, ::2] == n + 1
        assert (ours & truth).sum() / (ours | truth).sum() > 0.95


def test_a_batch_equals_its_pictures(outputs, inputs):
    flipped = jax.tree.map(lambda a: np.flip(a, 1).copy(), outputs)
    both = jax.tree.map(lambda *a: np.concatenate(a), outputs, flipped)
    twice = jax.tree.map(lambda a: np.concatenate([a, a]), inputs)
    together = jitted(TIGHT)(both, twice)
    for index, one in enumerate((outputs, flipped)):
        jax.tree.map(
            lambda b, a, index=index: np.testing.assert_allclose(
                b[index], a[0], atol=1e-3
            ),
            together,
            jitted(TIGHT)(one, inputs),
        )


@pytest.mark.slow
def test_eager_equals_jitted(outputs, inputs):
    eager = decode.predictions(outputs, inputs, TIGHT)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-3),
        eager,
        jitted(TIGHT)(outputs, inputs),
    )


def test_answers_are_in_source_px(made, outputs, inputs):
    scaled = made_fields.inputs(made, to_source=(3.0, 2.0))
    one = jitted(TIGHT)(outputs, inputs)
    got = jitted(TIGHT)(outputs, scaled)
    for name in ("centre_px", "joints_px", "ball_px"):
        expected = np.asarray(getattr(one, name)) * np.array([3.0, 2.0])
        np.testing.assert_allclose(getattr(got, name), expected, rtol=1e-5)
    np.testing.assert_allclose(got.area_px, one.area_px * 6.0, rtol=1e-5)
    np.testing.assert_allclose(got.to_source, [[6.0, 4.0]])
    np.testing.assert_array_equal(got.ids, one.ids)


def test_filters_take_rows_away_from_ids_and_joints_too(outputs, inputs):
    everyone = jitted(TIGHT)(outputs, inputs)
    area = np.sort(np.asarray(everyone.area_px[0])[np.asarray(everyone.present[0])])
    bounded = dataclasses.replace(TIGHT, min_area_px=float(area[1]))
    got = jitted(bounded)(outputs, inputs)
    assert got.present.sum() == len(area) - 1
    for found in (everyone, got):
        rows = set(np.unique(found.ids[0])) - {0}
        assert rows == {int(n) + 1 for n in np.flatnonzero(found.present[0])}
        gone = ~np.asarray(found.present[0])
        for name in ("score", "area_px", "centre_px", "joint_score", "joints_px"):
            assert (np.asarray(getattr(found, name))[0, gone] == 0).all()


def test_capacities_that_are_exceeded_are_said(outputs, inputs):
    few = jitted(Decoder(players=3, sources=96, queries=16))(outputs, inputs)
    assert few.overflow.players[0]
    assert not few.overflow.cells[0]
    assert few.present.sum() == 3
    tight = jitted(Decoder(players=8, sources=64, queries=16))(outputs, inputs)
    assert tight.overflow.cells[0]
    assert not tight.overflow.players[0]


def nothing(outputs, level=-20.0):
    def emptied(pif):
        return pif.replace(confidence=np.full_like(pif.confidence, level))

    return outputs.replace(
        parts=emptied(outputs.parts),
        centre=emptied(outputs.centre),
        ball=emptied(outputs.ball),
    )


def test_empty_fields_give_nothing_and_a_ball_needs_no_player(outputs, inputs):
    got = jitted(TIGHT)(nothing(outputs), inputs)
    assert not got.present.any()
    assert not got.ids.any()
    assert (got.ball_score == 0).all()
    with_ball = nothing(outputs).replace(ball=outputs.ball)
    alone = jitted(TIGHT)(with_ball, inputs)
    both = jitted(TIGHT)(outputs, inputs)
    np.testing.assert_allclose(alone.ball_px, both.ball_px, atol=1e-4)
    assert alone.ball_score[0] > 0.5


@pytest.mark.parametrize("level", [-1e30, 1e30])
def test_extreme_outputs_stay_finite(outputs, inputs, level):
    extreme = jax.tree.map(lambda a: np.full_like(a, level), outputs)
    for leaf in jax.tree.leaves(jitted(TIGHT)(extreme, inputs)):
        assert np.isfinite(leaf).all()


def test_heads_that_are_off(made, outputs, inputs):
    run = jitted(TIGHT)
    whole = run(outputs, inputs)
    ball = run(
        outputs.replace(parts=None, centre=None, semantic=None, offset=None), inputs
    )
    assert ball.ids is None
    assert not ball.present.any()
    np.testing.assert_allclose(ball.ball_px, whole.ball_px, atol=1e-4)
    np.testing.assert_allclose(ball.to_source, inputs.to_source)
    masks = run(outputs.replace(parts=None, ball=None), inputs)
    assert (masks.joint_score == 0).all()
    np.testing.assert_array_equal(masks.ids, whole.ids)
    assert masks.score[0, 0] > 0.3
    # The ball is a class of the masks still.
    assert np.hypot(*(np.asarray(masks.ball_px[0]) - made.ball_px)) < 2.0
    # BallSeg: two classes, of which the second is the ball.
    seg = outputs.replace(
        parts=None,
        centre=None,
        ball=None,
        offset=None,
        semantic=outputs.semantic[..., [0, 2]],
    )
    got = run(seg, inputs)
    assert got.ids is None
    assert np.hypot(*(np.asarray(got.ball_px[0]) - made.ball_px)) < 2.0


def test_centres_of_a_heat_map_group_as_those_of_a_field_do(made, outputs, inputs):
    heat = np.full((1, *outputs.semantic.shape[1:3], 1), -9.0, np.float32)
    at = np.round((made.centre_px - 0.5) / 2.0).astype(int)
    heat[0, at[:, 1], at[:, 0], 0] = 4.0
    panoptic = outputs.replace(parts=None, centre=None, ball=None, centre_heat=heat)
    got = jitted(TIGHT)(panoptic, inputs)
    whole = jitted(TIGHT)(outputs, inputs)
    assert got.present.sum() == 5
    assert ((got.ids > 0) == (whole.ids > 0)).all()
    np.testing.assert_allclose(
        np.sort(got.area_px), np.sort(whole.area_px), rtol=0.02, atol=8
    )


def test_what_is_padding_shows_nobody(outputs, inputs):
    cut = inputs.replace(valid_hw=np.array([[90, 161]], np.int32))
    got = jitted(TIGHT)(outputs, cut)
    assert not got.ids[0, 45:].any()
    assert got.ids[0, :45].any()


def test_a_player_scores_as_its_points_the_best_three_times():
    centre = jnp.array([0.5, 0.0])
    joints = jnp.zeros((2, 17)).at[0, :4].set(jnp.array([0.9, 0.8, 0.7, 0.1]))
    got = decode.player_score(centre, joints)
    expected = (3 * (0.9 + 0.8 + 0.7) + 0.5 + 0.1) / (18 + 6)
    np.testing.assert_allclose(got, [expected, 0.0], rtol=1e-6)


def test_grids_that_do_not_fit_are_named(outputs, inputs):
    image = np.zeros((1, 145, 177, 3), np.uint8)
    other = Inputs(image, inputs.valid_hw, inputs.to_source)
    with pytest.raises(ValueError, match="one stride"):
        decode.predictions(outputs, other, TIGHT)
    heat = np.zeros((1, 37, 41, 1), np.float32)
    mixed = outputs.replace(semantic=None, offset=None, parts=None)
    mixed = mixed.replace(ball=jax.tree.map(lambda a: a[:, 1:], outputs.ball))
    for function in (decode.predictions, decode.dense_predictions):
        with pytest.raises(ValueError, match="share a grid"):
            function(mixed.replace(centre_heat=heat), inputs, TIGHT)
