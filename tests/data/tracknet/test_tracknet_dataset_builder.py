import pytest

from ttjax.datasets.tracknet import (  # pyright: ignore[reportMissingImports]
    tracknet_dataset_builder as module,
)
from ttjax.formats import stack_record


@pytest.mark.parametrize(
    ("config", "state"),
    [
        ("hidden_unknown", stack_record.UNKNOWN),
        ("hidden_absent", stack_record.ABSENT),
    ],
)
def test_a_hidden_ball_is_what_the_configuration_says(prepare, tmp_path, config, state):
    builder = module.Builder(data_dir=tmp_path, config=config)
    made = prepare(builder, module.Builder.pkg_dir_path / "dummy_data")
    made.check()
    made.check_folder("tracknet")
    found = {s for r in made.records("train") for s in r["ball_state"].tolist()}
    assert found == {stack_record.VISIBLE, state}
    assert not any(r["event_known"].any() for r in made.records("train"))
    assert {r["group"] for r in made.records("test")} == {b"test"}
    splits = {name: info.num_examples for name, info in builder.info.splits.items()}
    assert splits == {"train": 52, "validation": 52, "test": 52}
    named = [isinstance(one, module.Config) for one in builder.BUILDER_CONFIGS]
    assert all(named)


def test_clips_are_never_downloaded(tmp_path):
    with pytest.raises(FileNotFoundError, match="--manual_dir"):
        module.Builder(data_dir=tmp_path).download_and_prepare()
