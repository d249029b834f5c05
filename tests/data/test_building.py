import pytest

from ttjax.datasets import building  # pyright: ignore[reportMissingImports]


def test_all_data_sets_are_named():
    assert building.names() == ["coco_sport", "deepsport", "openttgames", "tracknet"]


def test_a_name_leads_to_the_module_of_its_builder():
    expected = "ttjax.datasets.tracknet.tracknet_dataset_builder"
    for name in ("tracknet", "tracknet/hidden_absent", "tracknet:1.0.0"):
        assert building.modules([name]) == expected
    assert building.modules(["mnist"], "mine.mnist") == "mine.mnist"
    for wrong in (["openttgame"], []):
        with pytest.raises(ValueError, match="openttgames, tracknet"):
            building.modules(wrong)


def test_the_first_configuration_is_built_where_none_is_named():
    named = ["openttgames", "openttgames/paper_pairs", "tracknet:1.0.0"]
    assert building.with_config(named) == [
        "openttgames/windows",
        "openttgames/paper_pairs",
        "tracknet/hidden_unknown:1.0.0",
    ]
