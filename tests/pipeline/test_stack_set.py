import json
import shutil

import numpy as np
import pytest

from ttjax.formats import stack_record
from ttjax.pipeline import stack_set
from ttjax.pipeline.stack_set import Index, Prepared, SplitRecords, StackSet


@pytest.fixture
def copy(made_stacks, tmp_path):
    """A data set that a test may damage."""
    return shutil.copytree(made_stacks, tmp_path / "copy")


def test_it_tells_what_the_builder_told(made_stacks):
    built = StackSet(made_stacks)
    assert (built.name, built.stride, built.licence) == ("made_stacks", 1, "CC0 X")
    assert built.events == stack_record.EVENTS
    assert built.masks == stack_record.MASKS
    counts = [built.count(split) for split in ("train", "validation", "other")]
    assert counts == [32, 8, 0]
    assert set(built.metadata) == {"stride", "events", "masks"}


def test_records_are_read_in_any_order_without_tensorflow(made_stacks):
    import sys

    records = StackSet(made_stacks).records("train")
    assert isinstance(records, SplitRecords)
    assert len(records) == 32
    frames = [stack_record.read_facts(records[n]).frame for n in (31, 0, 7)]
    assert frames == [31, 0, 7]
    assert "tensorflow" not in sys.modules


def test_the_only_data_set_below_a_folder_is_found(made_stacks, tmp_path):
    assert stack_set.find(made_stacks) == made_stacks
    assert stack_set.find(made_stacks.parents[1]) == made_stacks
    with pytest.raises(FileNotFoundError, match="holds none"):
        stack_set.find(tmp_path)
    for name in ("a/1.0.0", "b/1.0.0", "c/incomplete.X_1.0.0"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "dataset_info.json").write_text("{}")
    with pytest.raises(ValueError, match=r"several \(a/1.0.0, b/1.0.0\)"):
        stack_set.find(tmp_path)


def test_the_index_knows_kinds_and_clips_and_is_made_once(
    made_stacks, tmp_path, monkeypatch
):
    built = StackSet(made_stacks)
    index: Index = built.index("train", tmp_path)
    records = [stack_record.read_facts(one) for one in built.records("train")]
    assert index.kinds.tolist() == [one.kind for one in records]
    assert [index.clips[n] for n in index.clip] == [one.clip for one in records]
    monkeypatch.setattr(StackSet, "records", None)
    again = built.index("train", tmp_path)
    np.testing.assert_array_equal(again.kinds, index.kinds)
    assert again.clips == index.clips


def test_the_key_follows_the_content(made_stacks, copy):
    built, other = StackSet(made_stacks), StackSet(copy)
    assert built.key("train") == StackSet(made_stacks).key("train")
    assert built.key("train") != built.key("test")
    assert built.key("train") != other.key("train")
    before = other.key("train")
    next(copy.glob("*train*")).touch()
    assert other.key("train") != before


def test_a_missing_split_or_part_of_one_is_named(copy):
    with pytest.raises(ValueError, match=r"'extra' of .* has none; .*'train'"):
        StackSet(copy).records("extra")
    part = next(copy.glob("*train*"))
    part.unlink()
    with pytest.raises(ValueError, match=f"lacks {part.name}"):
        StackSet(copy).records("train")


def test_a_damaged_file_is_named(copy):
    part = next(copy.glob("*train*"))
    part.write_bytes(part.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"record 20 of split 'train' of .*copy"):
        _ = StackSet(copy).records("train")[20]


def test_a_data_set_of_something_else_is_refused(copy):
    features = json.loads((copy / "features.json").read_text())
    del features["featuresDict"]["features"]["kind"]
    (copy / "features.json").write_text(json.dumps(features))
    with pytest.raises(ValueError, match=r"lack \['kind'\]"):
        StackSet(copy)


def test_what_all_prepared_data_sets_have_in_common(made_stacks):
    built = Prepared(made_stacks)
    assert (built.name, built.count("train")) == ("made_stacks", 32)
    assert len(built.records("train")) == 32
    assert built.key("train") == StackSet(made_stacks).key("train")
    assert not hasattr(built, "events")
