import importlib.util

import pytest

from bench import baselines

PLAIN, HALF = "torch_float32_channels_last", "torch_bfloat16_channels_last"


def test_nothing_is_available_without_pytorch(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert baselines.available() == ()
    with pytest.raises(ValueError, match="install torch"):
        baselines.build(PLAIN, "ttnet", None, None, None)


def test_names_say_how_a_variant_runs():
    for name, variant in baselines.VARIANTS.items():
        assert isinstance(variant, baselines.Variant)
        assert variant.dtype in name
        assert variant.folded == name.endswith("_folded")
        assert variant.compiled == name.endswith("_compiled")
        assert set(variant.devices) <= {"cpu", "cuda"}


def test_the_variants_here_are_those_of_the_device():
    torch = pytest.importorskip("torch")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    assert PLAIN in baselines.available()
    for name, variant in baselines.VARIANTS.items():
        assert (name in baselines.available()) == (device in variant.devices)


@pytest.mark.parametrize(
    ("variant", "share"), [(PLAIN, 1e-4), (f"{PLAIN}_folded", 1e-4), (HALF, 0.1)]
)
@pytest.mark.parametrize("family", baselines.FAMILIES)
def test_every_variant_answers_as_ours(request, family, variant, share, same):
    pytest.importorskip("torch")
    case = request.getfixturevalue(f"{family}_case")
    made = baselines.build(variant, family, case.config, case.variables, case.example)
    assert isinstance(made, baselines.Baseline)
    assert made.variant == variant
    assert made.call() is None
    theirs, ours = made.outputs(), dict(case.ours)
    if variant == HALF:
        # Another bin may be the highest, and then the crop is another.
        late = ("ball_local.x", "ball_local.y", "crop_xy", "events")
        theirs, ours = (
            {name: of for name, of in side.items() if name not in late}
            for side in (theirs, ours)
        )
    same(theirs, ours, share)
    assert made.versions["threads"] >= 1


@pytest.mark.slow
@pytest.mark.parametrize("family", baselines.FAMILIES)
def test_compiled_networks_answer_as_ours(request, family, same):
    pytest.importorskip("torch")
    case = request.getfixturevalue(f"{family}_case")
    made = baselines.build(
        "torch_float32_compiled", family, case.config, case.variables, case.example
    )
    same(made.outputs(), case.ours, 1e-4)


def test_what_cannot_be_built_is_named():
    pytest.importorskip("torch")
    with pytest.raises(ValueError, match="torch_float64"):
        baselines.build("torch_float64", "ttnet", None, None, None)
    with pytest.raises(ValueError, match="balls"):
        baselines.build(PLAIN, "balls", None, None, None)
