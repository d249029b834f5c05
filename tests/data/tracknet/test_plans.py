import pytest

from ttjax.datasets.tracknet import plans  # pyright: ignore[reportMissingImports]
from ttjax.formats import stack_record, tracknet


@pytest.mark.parametrize(
    ("groups", "sizes"),
    [
        (["a"], {"train": 1}),
        (["a", "b"], {"train": 1, "test": 1}),
        (["a", "b", "Test_1"], {"train": 1, "validation": 1, "test": 1}),
        ([f"match{n}" for n in range(26)], {"train": 17, "validation": 4, "test": 5}),
        (["test"], {"test": 1}),
    ],
)
def test_each_folder_belongs_to_one_split(groups, sizes):
    found = plans.splits(groups)
    assert {split: len(names) for split, names in found.items()} == sizes
    assert sorted(name for names in found.values() for name in names) == sorted(groups)


def test_all_frames_from_the_first_whole_stack_end_a_window(dummy):
    entry = tracknet.find(dummy("tracknet"))[0]
    plan = plans.plan(entry, frames=9, hidden_absent=True)
    assert [window.newest for window in plan.windows] == list(range(8, 60))
    assert set(plan.table.ball_state) == {stack_record.ABSENT, stack_record.VISIBLE}
    assert {plan.group(window) for window in plan.windows} == {"hall_1"}


def test_labels_of_another_cut_are_refused(dummy):
    entry = tracknet.find(dummy("tracknet"))[0]
    text = entry.labels.read_text().splitlines()
    entry.labels.write_text("\n".join(text[:-5]))
    with pytest.raises(tracknet.LabelError, match="55 rows for a video of 60"):
        plans.plan(entry, frames=9, hidden_absent=True)
