import numpy as np

from ttjax.datasets import extraction, stacks  # pyright: ignore[reportMissingImports]
from ttjax.datasets.tracknet import (  # pyright: ignore[reportMissingImports]
    plans,
    tracknet_dataset_builder,
)
from ttjax.formats import tracknet


def planned(folder):
    return [
        plans.plan(entry, frames=9, hidden_absent=False)
        for entry in tracknet.find(folder)
    ]


def test_features_hold_a_record_bit_for_bit_without_tensorflow(dummy):
    plan = planned(dummy("tracknet"))[0]
    record = next(extraction.records(plan, extraction.Settings()))
    features = stacks.features(extraction.Settings())
    data = features.serialize_example(record)
    back = features.deserialize_example_np(data)
    assert back.keys() == record.keys()
    for name, value in record.items():
        np.testing.assert_array_equal(back[name], value)


def test_examples_are_those_of_the_chosen_groups_in_order(dummy, tmp_path):
    plan = planned(dummy("tracknet"))[0]
    settings = extraction.Settings()
    everything = stacks.Chosen(3, plan, None)
    made = list(stacks.examples(everything, folder=tmp_path, settings=settings))
    keys = [key for key, _ in made]
    assert len(keys) == 52
    assert keys == sorted(set(keys))
    assert keys[0] == 3 * 10**7
    none = stacks.Chosen(3, plan, frozenset({"another"}))
    assert not none.holds("hall_1")
    assert not list(stacks.examples(none, folder=tmp_path, settings=settings))


def test_builders_write_what_tensorflow_is_not_needed_for(tmp_path):
    builder = tracknet_dataset_builder.Builder(data_dir=tmp_path)
    assert isinstance(builder, stacks.StackBuilder)
    assert builder.info.file_format.value == "array_record"
