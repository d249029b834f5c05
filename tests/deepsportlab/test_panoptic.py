import numpy as np

from tests.deepsportlab import pictures
from ttjax.deepsportlab import court, panoptic, scores
from ttjax.deepsportlab.comparison import Comparison
from ttjax.deepsportlab.panoptic import PanopticQuality, PanopticRecord


def pair(true, guess, **truth):
    true, guess = np.array([true], np.uint8), np.array([guess], np.uint8)
    people = int(true[true < 254].max(initial=0))
    return Comparison(
        pictures.truth(true, players=people, **truth),
        pictures.guess(guess, players=int(guess.max(initial=0))),
    )


def test_quality_by_hand():
    # Player 1: 4 px, guessed 3 of them and 1 more: IoU 3/5. Player 2: 2 of 4, no match.
    one = pair([1, 1, 1, 1, 0, 2, 2, 2, 2, 0], [0, 1, 1, 1, 1, 2, 2, 0, 0, 0])
    assert panoptic.matches(one).tolist() == [0, -1]
    got = PanopticQuality().record(one)
    assert got == PanopticRecord(iou=0.6, matched=1, false=1, missed=1)
    table = scores.entries(PanopticQuality().statistics([got, None]), 2)
    np.testing.assert_allclose(table["pSQ"]["value"], 0.6)
    np.testing.assert_allclose(table["pDQ"]["value"], 1 / (1 + 0.5 + 0.5))
    np.testing.assert_allclose(table["pPQ"]["value"], 0.3)
    assert table["pDQ"]["n"] == 2
    assert table["pDQ"]["baseline"] == 0.0


def test_what_is_unknown_belongs_to_no_union_and_makes_nobody_false():
    # 3 of the guess' 6 px are unknown: IoU 3/3. The second guess is mostly unknown.
    one = pair([1, 1, 1, 255, 255, 255, 0, 255, 255], [1, 1, 1, 1, 1, 1, 2, 2, 2])
    assert PanopticQuality().record(one) == PanopticRecord(1.0, 1, 0, 0)
    half = pair([0, 255], [1, 1])
    assert PanopticQuality().record(half) == PanopticRecord(0.0, 0, 1, 0)


def loop(true, guess):
    """Pair by pair, from whole masks."""
    void, iou, matched = true == 255, 0.0, set()
    people = [i for i in np.unique(true) if 0 < i < 255]
    guesses = [i for i in np.unique(guess) if i]
    for t in people:
        for g in guesses:
            a, b = true == t, guess == g
            either = (a.sum() + b.sum() - (a & b).sum()) - (void & b).sum()
            if (a & b).sum() / either > 0.5:
                iou += (a & b).sum() / either
                matched |= {("t", t), ("g", g)}
    false = [
        g
        for g in guesses
        if ("g", g) not in matched
        and (void & (guess == g)).sum() / (guess == g).sum() <= 0.5
    ]
    missed = [t for t in people if ("t", t) not in matched]
    return PanopticRecord(iou, len(matched) // 2, len(false), len(missed))


def test_quality_is_that_of_a_loop_over_pairs():
    rng = np.random.default_rng(0)
    seen = 0
    for _ in range(30):
        one = pictures.pair(rng)
        got = PanopticQuality().record(one)
        want = loop(*one.maps())
        assert got is not None
        np.testing.assert_allclose(got.iou, want.iou)
        counts = (got.matched, got.false, got.missed)
        assert counts == (want.matched, want.false, want.missed)
        seen += got.matched > 0
    assert seen > 10


def test_guesses_beside_the_court_are_left_out_and_people_are_not():
    one = pair([1, 1, 0, 0], [0, 0, 1, 1], on_court=lambda xy, h: xy[..., 0] > 1e6)
    assert PanopticQuality().record(one) == PanopticRecord(0.0, 0, 0, 1)
    everybody = PanopticQuality(leave_out=court.everyone).record(one)
    assert everybody == PanopticRecord(0.0, 0, 1, 1)
    nobody = PanopticQuality(leave_out=court.both).record(one)
    assert nobody == PanopticRecord(0.0, 0, 0, 0)


def test_pictures_of_nobody():
    assert PanopticQuality().record(pair([0, 0], [0, 0])) == PanopticRecord(
        0.0, 0, 0, 0
    )
    assert PanopticQuality().record(pair([0, 0], [1, 1])) == PanopticRecord(
        0.0, 0, 1, 0
    )
    assert PanopticQuality().record(pair([1, 1], [0, 0])) == PanopticRecord(
        0.0, 0, 0, 1
    )
    blind = Comparison(pictures.truth(None), pictures.guess(None))
    assert PanopticQuality().record(blind) is None
