import dataclasses
import pathlib
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
import pytest

from ttjax import recipe, registry, samples
from ttjax.losses import weighting
from ttjax.ttnet import config, task


@registry.register("test.Inner")
@dataclasses.dataclass(frozen=True)
class Inner:
    size: int = 3
    window: samples.Window | None = None


@registry.register("test.Outer")
@dataclasses.dataclass(frozen=True)
class Outer:
    inner: Inner | None = None
    names: tuple[str, ...] = ()
    nested: tuple[tuple[int, ...], ...] = ()
    root: pathlib.Path = pathlib.Path("a")
    weights: Mapping[str, float] = dataclasses.field(default_factory=dict)
    rate: float = float("inf")
    schedule: recipe.Plateau | recipe.Cosine | None = None


def full() -> Outer:
    return Outer(
        inner=Inner(7, samples.Window(frames=4)),
        names=("x", "y"),
        nested=((1, 2), ()),
        root=pathlib.Path("b/c"),
        weights={"path": 1.0, "type": 2.0},
        schedule=recipe.Cosine(warmup=0.5),
    )


def test_decoding_inverts_encoding():
    assert registry.decode(registry.encode(full())) == full()
    assert registry.decode(registry.encode(Outer())) == Outer()


def test_every_name_of_the_table_is_the_dataclass_it_says():
    for name in registry.TABLE:
        cls = registry.class_of(name)
        assert dataclasses.is_dataclass(cls)
        assert registry.name_of(cls) == name


def test_weightings_survive_the_journey():
    for value in (
        weighting.LearntSigmas(floor=0.1),
        weighting.Fixed({"a": 2.0}),
        weighting.Sum(),
    ):
        assert registry.decode(registry.encode(value)) == value


def test_dtypes_are_kept_by_name():
    for dtype in (jnp.bfloat16, jnp.dtype("float32"), np.uint8):
        assert registry.decode(registry.encode((dtype,))) == (np.dtype(dtype),)


def test_an_unknown_name_is_an_error_and_imports_nothing():
    with pytest.raises(ValueError, match=r"'os\.system' is unknown"):
        registry.decode({"type": "os.system"})
    with pytest.raises(ValueError, match="near: Phase"):
        registry.class_of("Phse")


def test_fields_of_another_version_are_named():
    with pytest.raises(ValueError, match="also gives \\['depth'\\]"):
        registry.decode({"type": "test.Inner", "depth": 3})
    assert registry.decode({"type": "test.Inner"}) == Inner()


def test_what_cannot_be_written_is_named_with_its_place():
    with pytest.raises(ValueError, match=r"`root` is a object"):
        registry.encode(dataclasses.replace(Outer(), root=object()))

    @dataclasses.dataclass(frozen=True)
    class Stranger:
        pass

    with pytest.raises(ValueError, match="Stranger is not"):
        registry.encode(Stranger())
    with pytest.raises(ValueError, match="text as keys"):
        registry.encode({1: 2})


def test_a_name_belongs_to_one_class():
    with pytest.raises(ValueError, match="is taken"):
        registry.register("Recipe")(Inner)
    with pytest.raises(ValueError, match="frozen dataclass"):
        registry.register("test.Plain")(type("Plain", (), {}))


def test_differences_name_the_fields():
    saved, now = registry.encode(full()), registry.encode(full())
    assert registry.differences(saved, now) == []
    changed = dataclasses.replace(
        full(), inner=Inner(8, samples.Window(frames=4)), names=("x", "z"), rate=1.0
    )
    assert registry.differences(saved, registry.encode(changed)) == [
        ("inner.size", 7, 8),
        ("names.1", "y", "z"),
        ("rate", float("inf"), 1.0),
    ]
    shorter = dataclasses.replace(full(), names=("x",))
    assert registry.differences(saved, registry.encode(shorter)) == [
        ("names", ["x", "y"], ["x"])
    ]


@pytest.mark.parametrize("preset", [config.ttnet, config.resnet18, config.nano])
def test_every_preset_of_ttnet_survives_the_journey(preset):
    subject = task.Task(config=preset())
    assert registry.decode(registry.encode(subject)) == subject
