import numpy as np

from ttjax.deepsportlab import precision, scores
from ttjax.deepsportlab.precision import Ranked, Ranking

RNG = np.random.default_rng(0)


def loop_match(similarity, ignored, crowd, threshold):
    """COCO's matching as its reference tells it: truths that count come first."""
    order = np.argsort(ignored, kind="stable")
    taken, used = [], set()
    for row in similarity:
        best, bar = -1, min(threshold, 1 - 1e-10)
        for truth in order:
            if truth in used and not crowd[truth]:
                continue
            if best > -1 and not ignored[best] and ignored[truth]:
                break
            if row[truth] < bar:
                continue
            best, bar = truth, row[truth]
        taken.append(best)
        used.add(best)
    return taken


def test_matching_is_cocos():
    for _ in range(50):
        d, g = RNG.integers(0, 7, 2)
        similarity = RNG.uniform(0.3, 1, (d, g)).round(int(RNG.integers(1, 9)))
        ignored = RNG.uniform(size=g) < 0.4
        crowd = ignored & (RNG.uniform(size=g) < 0.5)
        got = precision.match(similarity, ignored=ignored, crowd=crowd)
        for row, threshold in enumerate(precision.THRESHOLDS):
            want = loop_match(similarity, ignored, crowd, threshold)
            assert got[row].tolist() == want


def test_a_perfect_detection_is_right_at_every_threshold():
    none = np.zeros(1, np.bool_)
    one = precision.rank(np.ones(1), np.ones((1, 1)), ignored=none, crowd=none, most=20)
    ap, ar = Ranking([one]).precision_and_recall(np.ones((1, 1)))
    np.testing.assert_allclose((ap, ar), 1.0)


def picture(score, right, truths):
    flags = np.tile(np.array(right, np.bool_), (10, 1))
    return Ranked(np.array(score), flags, np.zeros_like(flags), truths)


def test_ap_by_hand():
    # Right, wrong, right of three people: precision 1 up to 1/3, 2/3 up to 2/3, then 0.
    one = picture([0.9, 0.8, 0.7], [True, False, True], 3)
    ap, ar = Ranking([one]).precision_and_recall(np.ones((1, 1)))
    np.testing.assert_allclose(ap, (34 * 1 + 33 * 2 / 3) / 101)
    np.testing.assert_allclose(ar, 2 / 3)


def test_weights_repeat_pictures():
    pictures = [
        precision.rank(
            RNG.uniform(size=d),
            RNG.uniform(0.3, 1, (d, g)),
            ignored=RNG.uniform(size=g) < 0.2,
            crowd=np.zeros(g, np.bool_),
            most=5,
        )
        for d, g in RNG.integers(0, 8, (6, 2))
    ]
    drawn = RNG.integers(0, 6, (5, 6))
    weights = np.stack([np.bincount(row, minlength=6) for row in drawn]).astype(float)
    got = Ranking([*pictures, None]).precision_and_recall(
        np.concatenate([weights, np.ones((5, 1))], axis=1)
    )
    for row, indices in enumerate(drawn):
        again = Ranking([pictures[i] for i in indices])
        want = again.precision_and_recall(np.ones((1, 6)))
        np.testing.assert_allclose(got[0][row], want[0][0], rtol=1e-12)
        np.testing.assert_allclose(got[1][row], want[1][0], rtol=1e-12)


def test_only_the_best_detections_of_a_picture_count():
    none = np.zeros(1, np.bool_)
    one = precision.rank(
        np.array([0.1, 0.9]),
        np.array([[1.0], [0.2]]),
        ignored=none,
        crowd=none,
        most=1,
    )
    assert one.score.tolist() == [0.9]
    assert not one.right.any()


def test_without_people_there_is_no_score_and_without_poses_it_is_zero():
    empty = picture(np.zeros(0), np.zeros(0), 2)
    ap, ar = Ranking([empty, None]).precision_and_recall(np.ones((1, 2)))
    assert ap == ar == 0.0
    nobody = picture([0.5], [False], 0)
    assert np.isnan(Ranking([nobody]).precision_and_recall(np.ones((1, 1)))).all()


def test_statistics_give_f1_of_ap_and_ar():
    many = [picture([0.9, 0.8], [True, False], 2), picture([0.7], [True], 1), None]
    table = scores.entries(precision.statistics("x", many), 3)
    ap, ar = table["x/AP"]["value"], table["x/AR"]["value"]
    np.testing.assert_allclose(table["x/F1"]["value"], 2 * ap * ar / (ap + ar))
    assert table["x/AP"]["n"] == 3
    assert table["x/AP"]["low"] <= ap <= table["x/AP"]["high"]
    assert "x/F1" not in precision.statistics("x", many, f1=False)


def test_sizes_ignore_what_is_larger_or_smaller():
    """A medium and a large truth, each found; and a detection of nobody."""
    alike = np.array([[1.0, 0], [0, 1.0], [0, 0]])
    none = np.zeros(2, np.bool_)
    areas = {"m": 50.0**2, "l": 200.0**2}
    for size, area in areas.items():
        got = precision.rank_by_size(
            np.array([0.9, 0.8, 0.99]),
            alike,
            ignored=none,
            crowd=none,
            most=20,
            area_px=np.array([areas["m"], areas["l"], area]),
            true_area_px=np.array([areas["m"], areas["l"]]),
        )
        assert isinstance(got, precision.Sized)
        assert set(got.sizes) == set(precision.SIZES)
        assert got.every.truths == 2
        assert not got.every.ignored.any()
        for name in precision.SIZES:
            one = got.sizes[name]
            assert one.truths == 1
            # The first is of nobody, then in the order of their scores.
            found = {"m": 1, "l": 2}[name]
            np.testing.assert_array_equal(
                one.right[0] & ~one.ignored[0], np.arange(3) == found
            )
            assert one.ignored[0, 1:].tolist() == [found != 1, found != 2]
            assert one.ignored[0, 0] == (name != size)
        table = scores.entries(precision.sized_statistics("x", [got, None]), 2)
        np.testing.assert_allclose(table[f"x/AP{size}"]["value"], 0.5)
        other = "l" if size == "m" else "m"
        np.testing.assert_allclose(table[f"x/AP{other}"]["value"], 1.0)
        np.testing.assert_allclose(table["x/AP"]["value"], 2 / 3)
    outside = np.array([True, False])
    one = precision.rank(
        np.array([0.5, 0.4]),
        np.zeros((2, 1)),
        ignored=none[:1],
        crowd=none[:1],
        most=20,
        outside=outside,
    )
    np.testing.assert_array_equal(one.ignored, np.tile(outside, (10, 1)))
