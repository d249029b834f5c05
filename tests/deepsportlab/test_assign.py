import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.deepsportlab import assign, candidates

HW = (9, 11)


@pytest.fixture(scope="module")
def places():
    rng = np.random.default_rng(0)
    return candidates.Candidates(
        x_px=jnp.array(rng.uniform(-3, 25, (2, 6)), jnp.float32),
        y_px=jnp.array(rng.uniform(-3, 20, (2, 6)), jnp.float32),
        score=jnp.array([[0.9, 0.05, 0.5, 0.0, 0.7, 0.2]] * 2, jnp.float32),
        peak=jnp.array([[True, True, False, False, True, True]] * 2),
        overflow=jnp.array(False),
    )


@pytest.fixture(scope="module")
def pixels():
    rng = np.random.default_rng(1)
    player = rng.integers(-1, 3, HW).astype(np.int32)
    visible = (rng.uniform(size=HW) < 0.6) & (player >= 0)
    return assign.Pixels(player=jnp.array(player), visible=jnp.array(visible))


def test_centres_are_the_highest_peaks_above_the_threshold(places):
    of = places.kinds(0, 1)
    got = assign.centres(of, players=4, threshold=0.1)
    np.testing.assert_allclose(got.score, [0.9, 0.7, 0.2, 0.0])
    np.testing.assert_array_equal(got.present, [True, True, True, False])
    np.testing.assert_array_equal(got.x_px[:3], of.x_px[0, jnp.array([0, 4, 5])])
    assert not got.overflow
    few = assign.centres(of, players=2, threshold=0.1)
    np.testing.assert_allclose(few.score, [0.9, 0.7])
    assert few.overflow


def heat_by_loop(heat, threshold, reach=3):
    found = []
    for i, j in np.ndindex(heat.shape):
        window = heat[
            max(i - reach, 0) : i + reach + 1, max(j - reach, 0) : j + reach + 1
        ]
        probability = 1 / (1 + np.exp(-heat[i, j]))
        if heat[i, j] == window.max() and probability > threshold:
            found.append((probability, j * 2 + 0.5, i * 2 + 0.5))
    return sorted(found, reverse=True)


def test_centres_of_a_heat_map_are_its_maxima():
    heat = np.random.default_rng(2).normal(-2, 2, (23, 31)).astype(np.float32)
    expected = heat_by_loop(heat, 0.1)
    got = assign.heat_centres(jnp.array(heat), stride=2.0, players=40, threshold=0.1)
    count = int(got.present.sum())
    ours = np.stack([got.score, got.x_px, got.y_px], 1)[:count]
    np.testing.assert_allclose(ours, expected, rtol=1e-5)
    assert not got.overflow
    few = assign.heat_centres(jnp.array(heat), stride=2.0, players=3, threshold=0.1)
    assert few.overflow
    np.testing.assert_allclose(few.score, [e[0] for e in expected[:3]], rtol=1e-5)


@pytest.mark.parametrize("level", [-1e30, 1e30])
def test_a_plateau_of_a_heat_map_is_one_centre(level):
    flat = jnp.full((5, 5), -20.0).at[2, 2:4].set(level)
    got = assign.heat_centres(flat, stride=2.0, players=4, threshold=0.1)
    assert got.present.sum() == (level > 0)
    for leaf in jax.tree.leaves(got):
        assert np.isfinite(leaf).all()


def test_pixels_vote_with_offsets_in_units_of_their_stride():
    """Two players side by side; a pixel of the second points to the first."""
    semantic = np.zeros((*HW, 3), np.float32)
    semantic[2:7, 1:9, assign.PLAYER] = 3.0
    of = assign.Centres(
        x_px=jnp.array([6.5, 14.5, 0.0]),
        y_px=jnp.array([8.5, 8.5, 0.0]),
        score=jnp.array([0.9, 0.8, 0.0]),
        present=jnp.array([True, True, False]),
        overflow=jnp.array(False),
    )
    offset = np.zeros((*HW, 2), np.float32)
    offset[4, 7] = (0.0, -4.0)  # dy dx
    run = jax.jit(assign.pixels, static_argnames=("stride", "max_distance_px"))

    def grouped(valid=(99, 99), limit=None):
        return run(
            semantic,
            offset,
            of,
            jnp.array(valid, jnp.int32),
            stride=2.0,
            max_distance_px=limit,
        )

    got = grouped()
    np.testing.assert_array_equal(got.visible, semantic[..., 1] > 0)
    assert got.player[4, 7] == 0
    assert got.player[3, 7] == 1
    assert got.player[4, 2] == 0
    # Row 5 stands at y = 10.5, column 5 at x = 10.5.
    cut = grouped(valid=(10, 10))
    assert not cut.visible[5:].any()
    assert not cut.visible[:, 5:].any()
    near = grouped(limit=3.0)
    assert near.player[4, 7] == 0
    assert near.player[2, 1] == -1
    assert not near.visible[2, 1]
    counted = assign.areas(got, players=3)
    expected = [(np.asarray(got.player)[got.visible] == row).sum() for row in range(3)]
    np.testing.assert_array_equal(counted, expected)


def test_places_take_the_pixel_that_is_nearest(pixels, places):
    player, visible = assign.at_places(pixels, places, stride=2.0)
    mask = assign.enlarged(pixels, (17, 21), stride=2.0)
    for f, q in np.ndindex(places.score.shape):
        distance = [
            np.abs(np.arange(size) * 2 + 0.5 - float(px[f, q])).argmin()
            for size, px in zip(HW, (places.y_px, places.x_px), strict=True)
        ]
        assert player[f, q] == pixels.player[tuple(distance)]
        assert visible[f, q] == pixels.visible[tuple(distance)]
    own = np.where(pixels.visible, pixels.player, -1)
    np.testing.assert_array_equal(mask[::2, ::2], own)
    np.testing.assert_array_equal(mask[1::2, 1::2], own[1:, 1:])


@pytest.fixture(scope="module")
def centres():
    return assign.Centres(
        x_px=jnp.array([5.0, 15.0]),
        y_px=jnp.array([8.0, 8.0]),
        score=jnp.array([0.9, 0.8]),
        present=jnp.array([True, True]),
        overflow=jnp.array(False),
    )


def test_which_places_may_become_points(places, centres):
    """All belong to the first player; the scores are .9 .05 .5 0 .7 .2."""
    player, area = jnp.zeros((2, 6), jnp.int32), jnp.array([50.0, 50.0])

    def chosen(by, visible):
        shows = jnp.array([visible] * 2, jnp.bool_)
        return float(by.choose(places, player, shows, centres, area)[1][0, 0])

    assert chosen(assign.PeakToMask(), [0, 1, 1, 1, 0, 1]) == pytest.approx(0.9)
    on_mask = assign.PeakToMask(on_mask=True)
    assert chosen(on_mask, [0, 1, 1, 1, 0, 1]) == pytest.approx(0.2)
    assert chosen(assign.ArgmaxInMask(), [0, 1, 1, 1, 0, 1]) == pytest.approx(0.5)


def test_where_there_are_maps_the_masks_choose_among_their_pixels(places):
    values = jnp.array(np.random.default_rng(4).uniform(size=(2, 5, 6)), jnp.float32)
    mask = jnp.array(np.arange(30).reshape(5, 6) % 3 - 1, jnp.int32)
    of_masks = assign.ArgmaxInMask().places(places, values, mask, players=2)
    assert of_masks.score.shape == (2, 2)
    np.testing.assert_array_equal(
        of_masks.score[:, 1], np.where(mask == 1, values, 0).max((1, 2))
    )
    assert assign.ArgmaxInMask().places(places, None, None, players=2) is places
    assert assign.PeakToMask().places(places, values, mask, players=2) is places


def test_the_strongest_eligible_place_of_each_player_wins(places):
    rng = np.random.default_rng(3)
    player = rng.integers(-1, 3, (2, 6)).astype(np.int32)
    eligible = rng.uniform(size=(2, 6)) < 0.7
    xy, score = assign.strongest(
        places, jnp.array(player), jnp.array(eligible), players=4
    )
    for n, f in np.ndindex(4, 2):
        own = [
            (float(places.score[f, q]), -q)
            for q in range(6)
            if eligible[f, q] and player[f, q] == n
        ]
        best, at = max(own, default=(0.0, 0))
        assert score[n, f] == best
        if best:
            assert xy[n, f, 0] == places.x_px[f, -at]
            assert xy[n, f, 1] == places.y_px[f, -at]


def pair(first_xy, second_xy, scores):
    """Two peaks of one kind."""
    xy = jnp.array([first_xy, second_xy], jnp.float32)
    return candidates.Candidates(
        x_px=xy[None, :, 0],
        y_px=xy[None, :, 1],
        score=jnp.array([scores], jnp.float32),
        peak=jnp.ones((1, 2), jnp.bool_),
        overflow=jnp.array(False),
    )


@jax.jit
def owners(places, player, of):
    area = jnp.array([64.0, 64.0])  # reaches 16 px
    shows = jnp.ones((1, 2), jnp.bool_)
    return assign.PeakToOwner().choose(places, player, shows, of, area)


def test_of_two_peaks_on_one_mask_one_is_of_who_stands_behind(centres):
    both = jnp.zeros((1, 2), jnp.int32)
    left, right = (4.0, 6.0), (9.0, 6.0)
    # The player in front is at x = 5, the other at x = 15: the right one is theirs.
    for places in (pair(left, right, (0.8, 0.9)), pair(right, left, (0.9, 0.8))):
        xy, score = owners(places, both, centres)
        np.testing.assert_allclose(xy[:, 0], np.array([left, right]))
        np.testing.assert_allclose(score[:, 0], [0.8, 0.9])


def test_peaks_stay_with_the_mask_where_nobody_near_lacks_one(centres):
    left, right = (4.0, 6.0), (9.0, 6.0)
    both, each = jnp.zeros((1, 2), jnp.int32), jnp.array([[0, 1]], jnp.int32)
    places = pair(left, right, (0.8, 0.9))
    np.testing.assert_allclose(owners(places, each, centres)[1][:, 0], [0.8, 0.9])
    weak = owners(pair(left, right, (0.2, 0.9)), both, centres)
    far = owners(places, both, centres.replace(x_px=jnp.array([5.0, 35.0])))
    alone = centres.replace(present=jnp.array([True, False]))
    for got in (weak, far, owners(places, both, alone)):
        np.testing.assert_allclose(got[1][:, 0], [0.9, 0.0])
        np.testing.assert_allclose(got[0][0, 0], right)


@jax.jit
def by_side(places, of):
    player, eligible = jnp.zeros((1, 2), jnp.int32), jnp.ones((1, 2), jnp.bool_)
    return assign.shared(places, player, eligible, of, jnp.full(2, 1e3), rival=0.5)[0]


def test_pairing_by_side_is_the_nearer_to_what_is_expected():
    """The closed form of `shared`, against both sums of squared distances."""
    rng = np.random.default_rng(5)
    for _ in range(50):
        a, b, c1, c2, expected = rng.normal(0, 5, (5, 2)).astype(np.float32)

        def cost(of_a, of_b, a=a, b=b, expected=expected):
            return ((of_a - a - expected) ** 2 + (of_b - b - expected) ** 2).sum()

        of = assign.Centres(
            x_px=jnp.array([a[0], b[0]]),
            y_px=jnp.array([a[1], b[1]]),
            score=jnp.ones(2),
            present=jnp.ones(2, jnp.bool_),
            overflow=jnp.array(False),
        )
        xy = by_side(pair(c1, c2, (0.8, 0.8)), of)
        best = (c1, c2) if cost(c1, c2) < cost(c2, c1) else (c2, c1)
        np.testing.assert_allclose(xy[:, 0], best, rtol=1e-5)
