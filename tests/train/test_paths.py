import numpy as np
import pytest

from ttjax.train import paths

TREE = {
    "model": {
        "global_encoder": {"conv": {"kernel": np.zeros((2, 3)), "bias": np.zeros(3)}},
        "global_head": {"bias": np.zeros(4)},
        "local_encoder": {"conv": {"kernel": np.ones((2, 3)), "bias": np.ones(3)}},
    },
    "log_sigmas": {"ball": np.zeros(())},
}


def matched(*rules: str) -> set[str]:
    found = paths.flatten(paths.matching(TREE, rules))
    return {name for name, yes in found.items() if yes}


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        (
            "model/global_*/**",
            {
                "model/global_encoder/conv/kernel",
                "model/global_encoder/conv/bias",
                "model/global_head/bias",
            },
        ),
        (
            "model/local_encoder",
            {"model/local_encoder/conv/kernel", "model/local_encoder/conv/bias"},
        ),
        ("model/*/bias", {"model/global_head/bias"}),
        ("**/kernel", {f"model/{g}_encoder/conv/kernel" for g in ("global", "local")}),
        ("log_sigmas/ball", {"log_sigmas/ball"}),
        ("model/global_hea?/bias", {"model/global_head/bias"}),
        ("**", set(paths.flatten(TREE))),
    ],
)
def test_rules_match_names_and_what_is_inside(rule, names):
    assert matched(rule) == names


def test_no_rule_matches_nothing_and_several_add_up():
    assert matched() == set()
    assert matched("log_sigmas", "model/global_head") == {
        "log_sigmas/ball",
        "model/global_head/bias",
    }


@pytest.mark.parametrize("rule", ["model/global", "global_encoder", "model/*.bias"])
def test_a_rule_that_matches_nothing_is_an_error_with_a_hint(rule):
    with pytest.raises(ValueError, match=r"matches none: use one of .*model/"):
        paths.matching(TREE, [rule])
    assert not any(paths.flatten(paths.matching(TREE, [rule], strict=False)).values())


def test_flatten_and_unflatten_are_inverse():
    leaves = {name: leaf + 1 for name, leaf in paths.flatten(TREE).items()}
    again = paths.flatten(paths.unflatten(TREE, leaves))
    assert again.keys() == leaves.keys()
    assert all(again[name] is leaves[name] for name in leaves)


@pytest.mark.parametrize(
    "copies",
    [
        {"model/global_encoder": "model/local_encoder"},
        {"model/global_e*": "model/local_e*"},
        {"model/global_encoder/**": "model/local_encoder/**"},
    ],
)
def test_copies_go_from_source_to_target(copies):
    done = paths.flatten(paths.copied(TREE, copies))
    for part in ("conv/kernel", "conv/bias"):
        np.testing.assert_array_equal(done[f"model/local_encoder/{part}"], 0.0)
    assert done["model/global_head/bias"] is TREE["model"]["global_head"]["bias"]


def test_a_copy_that_does_not_fit_is_an_error():
    with pytest.raises(
        ValueError, match=r"is \(4,\) and model/nowhere/bias is missing"
    ):
        paths.copied(TREE, {"model/global_head": "model/nowhere"})
    with pytest.raises(ValueError, match=r"is \(4,\) and .* is \(3,\)"):
        paths.copied(TREE, {"model/global_head/bias": "model/local_encoder/conv/bias"})
    with pytest.raises(ValueError, match="'model/x' matches none"):
        paths.copied(TREE, {"model/x": "model/local_encoder"})
    assert paths.copied(TREE, {"model/x": "model/y"}, strict=False) == TREE


def test_a_name_is_the_joined_path():
    import jax

    ((path, _),) = jax.tree_util.tree_flatten_with_path({"a": {"b": [1.0]}})[0]
    assert paths.name(path) == "a/b/0"
