import numpy as np
import pytest

from ttjax.formats import stack_record
from ttjax.pipeline.kinds import NAMES, Kinds


def test_by_default_negatives_are_as_many_as_events_and_as_they_are_among_them():
    shares = Kinds().shares([700, 200, 80, 20])
    assert shares == pytest.approx((0.5, 1 / 3, 0.4 / 3, 0.1 / 3))
    assert sum(Kinds().shares([3, 0, 9, 1])) == pytest.approx(1)


def test_weights_are_between_windows_without_an_event():
    kinds = Kinds(event=0.2, ball_absent=4.0, unlabelled=0.0)
    assert kinds.shares([10, 40, 10, 99]) == pytest.approx((0.2, 0.4, 0.4, 0))


def test_without_a_share_of_events_windows_are_drawn_as_they_are():
    assert Kinds(event=None).shares([1, 2, 3, 4]) == pytest.approx((0.1, 0.2, 0.3, 0.4))


def test_classes_without_windows_leave_their_share_to_the_others():
    assert Kinds().shares([0, 3, 1, 0]) == pytest.approx((0, 0.75, 0.25, 0))
    assert Kinds().shares([5, 0, 0, 0]) == (1, 0, 0, 0)
    only_events = Kinds(event=1.0)
    assert only_events.shares([5, 5, 5, 5]) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("kinds", "counts"),
    [
        (Kinds(), [0, 0, 0, 0]),
        (Kinds(event=0.0, labelled=0.0), [3, 4, 0, 0]),
        (Kinds(event=0.0), [3, 0, 0, 0]),
    ],
)
def test_nothing_to_draw_says_so(kinds, counts):
    with pytest.raises(ValueError, match="change the shares"):
        kinds.shares(counts)


def test_strata_hold_the_records_of_their_class():
    kinds = np.array([0, 1, 0, 3, 1, 0], np.int8)
    strata = Kinds().strata(kinds)
    assert tuple(part.name for part in strata) == NAMES
    assert len(NAMES) == len(stack_record.KINDS)
    found = [part.records.tolist() for part in strata]
    assert found == [[0, 2, 5], [1, 4], [], [3]]
    assert [p.share for p in strata] == pytest.approx([0.5, 1 / 3, 0, 1 / 6])


@pytest.mark.parametrize("fields", [{"event": 1.5}, {"event": -0.1}, {"labelled": -1}])
def test_fields_that_make_no_sense_say_so(fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        Kinds(**fields)
