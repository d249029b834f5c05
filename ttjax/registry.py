"""Names under which configurations are written into checkpoints.

A checkpoint holds its recipe as JSON: a frozen dataclass becomes an object with its
registered name and its fields, a tuple an array. Reading goes through the table below
alone, so that nothing a file says is ever imported; a family from elsewhere adds itself
with `register`.
"""

import dataclasses
import difflib
import importlib
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

TYPE = "type"
PATH = "path"
DTYPE = "dtype"
MAPPING = "mapping"

TABLE: dict[str, str] = {
    "Recipe": "ttjax.recipe:Recipe",
    "Phase": "ttjax.recipe:Phase",
    "Plateau": "ttjax.recipe:Plateau",
    "Cosine": "ttjax.recipe:Cosine",
    "Constant": "ttjax.recipe:Constant",
    "Steps": "ttjax.recipe:Steps",
    "Adam": "ttjax.recipe:Adam",
    "SGD": "ttjax.recipe:SGD",
    "Scoring": "ttjax.recipe:Scoring",
    "LearntSigmas": "ttjax.losses.weighting:LearntSigmas",
    "Fixed": "ttjax.losses.weighting:Fixed",
    "Sum": "ttjax.losses.weighting:Sum",
    "Window": "ttjax.samples:Window",
    "ClipSpec": "ttjax.samples:ClipSpec",
    "SceneSpec": "ttjax.scenes:SceneSpec",
    "ttnet": "ttjax.ttnet.task:Task",
    "ttnet.Augment": "ttjax.ttnet.augmentation:Augment",
    "ttnet.Crops": "ttjax.ttnet.task:Crops",
    "ttnet.Losses": "ttjax.ttnet.losses:Losses",
    "ttnet.Config": "ttjax.ttnet.config:Config",
    "ttnet.BaseRates": "ttjax.ttnet.config:BaseRates",
    "ttnet.VGG": "ttjax.ttnet.encoders:VGG",
    "ttnet.ResNet18": "ttjax.ttnet.encoders:ResNet18",
    "ttnet.Nano": "ttjax.ttnet.encoders:Nano",
    "ttnet.Dense": "ttjax.ttnet.ball_heads:Dense",
    "ttnet.Marginal": "ttjax.ttnet.ball_heads:Marginal",
    "ttnet.EventConvs": "ttjax.ttnet.event_head:EventConvs",
    "ttnet.EventPool": "ttjax.ttnet.event_head:EventPool",
    "ttnet.Deconvolution": "ttjax.ttnet.mask_decoder:Deconvolution",
    "ttnet.PixelShuffle": "ttjax.ttnet.mask_decoder:PixelShuffle",
    "ttnet.Normalise": "ttjax.ttnet.preprocessing:Normalise",
    "ttnet.Whiten": "ttjax.ttnet.preprocessing:Whiten",
    "deepsportlab": "ttjax.deepsportlab.task:Task",
    "deepsportlab.Augment": "ttjax.deepsportlab.augmentation:Augment",
    "deepsportlab.Config": "ttjax.deepsportlab.config:Config",
    "deepsportlab.BaseRates": "ttjax.deepsportlab.config:BaseRates",
    "deepsportlab.ResNet": "ttjax.deepsportlab.backbones:ResNet",
    "deepsportlab.Nano": "ttjax.deepsportlab.backbones:Nano",
    "deepsportlab.Released": "ttjax.deepsportlab.losses:Released",
    "deepsportlab.Paper": "ttjax.deepsportlab.losses:Paper",
    "deepsportlab.InstanceScale": "ttjax.deepsportlab.scales:InstanceScale",
    "deepsportlab.PaperScale": "ttjax.deepsportlab.scales:PaperScale",
    "deepsportlab.Decoder": "ttjax.deepsportlab.decoder:Decoder",
    "deepsportlab.PeakToMask": "ttjax.deepsportlab.assign:PeakToMask",
    "deepsportlab.PeakToOwner": "ttjax.deepsportlab.assign:PeakToOwner",
    "deepsportlab.ArgmaxInMask": "ttjax.deepsportlab.assign:ArgmaxInMask",
    "Splat": "ttjax.fields.splat:Splat",
    "CourtSimulation": "ttjax.sim.court_data:CourtSimulation",
    "Simulation": "ttjax.sim.data:Simulation",
    "Cached": "ttjax.pipeline.cache:Cached",
    "FixedSet": "ttjax.pipeline.fixed_set:FixedSet",
    "TrackNetClips": "ttjax.pipeline.clips:TrackNetClips",
    "StackRecords": "ttjax.pipeline.stack_records:StackRecords",
    "SceneRecords": "ttjax.pipeline.scene_records:SceneRecords",
    "Kinds": "ttjax.pipeline.kinds:Kinds",
    "Mixed": "ttjax.pipeline.mixed:Mixed",
    "Part": "ttjax.pipeline.mixed:Part",
}
"""Registered name -> "module:class" of this package; a module is imported when first
asked."""

_classes: dict[str, type] = {}


def register(name: str) -> Callable[[type[T]], type[T]]:
    """Class decorator: the dataclass goes into and comes from checkpoints as `name`.

    Raises:
        ValueError: the name is taken by another class, or the class is no dataclass.
    """

    def add(cls: type[T]) -> type[T]:
        if not dataclasses.is_dataclass(cls):
            raise ValueError(
                f"A registered class is a frozen dataclass, {cls.__name__} is none: "
                "put `@dataclasses.dataclass(frozen=True)` below `@register(…)`."
            )
        taken = _classes.get(name)
        same = taken is not None and _home(taken) == _home(cls)
        if name in TABLE or (taken is not None and not same):
            raise ValueError(
                f"A registered name belongs to one class, {name!r} is taken: choose "
                f"another name for {cls.__module__}.{cls.__qualname__}."
            )
        _classes[name] = cls
        return cls

    return add


def name_of(cls: type) -> str:
    """The registered name of a class.

    Raises:
        ValueError: the class is not registered.
    """
    for name, known in _classes.items():
        if known is cls:
            return name
    for name, home in TABLE.items():
        if home == _home(cls):
            return name
    raise ValueError(
        f"Only registered classes go into a checkpoint, {_home(cls)} is not: "
        'decorate it with `@ttjax.registry.register("name")`.'
    )


def class_of(name: str) -> type:
    """The class registered as `name`.

    Raises:
        ValueError: the name is unknown; nothing is imported for it.
    """
    if name in _classes:
        return _classes[name]
    if name in TABLE:
        module, _, attribute = TABLE[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    near = difflib.get_close_matches(name, [*TABLE, *_classes], n=3)
    hint = f" (near: {', '.join(near)})" if near else ""
    raise ValueError(
        f"A checkpoint names registered classes only, {name!r} is unknown{hint}: "
        "import the module that registers it before loading."
    )


def encode(value: Any) -> Any:
    """JSON values of registered dataclasses, tuples, mappings, paths and scalars.

    Raises:
        ValueError: something else is in the tree; the message says where.
    """
    return _encode(value, "")


def decode(value: Any) -> Any:
    """The inverse of `encode`; fields that are left out take their defaults.

    Raises:
        ValueError: an unknown name, or fields that the class does not have.
    """
    if isinstance(value, list):
        return tuple(decode(item) for item in value)
    if not isinstance(value, dict):
        return value
    if PATH in value:
        return pathlib.Path(value[PATH])
    if DTYPE in value:
        return np.dtype(value[DTYPE])
    if MAPPING in value:
        return {key: decode(item) for key, item in value[MAPPING].items()}
    if TYPE not in value:
        raise ValueError(
            f'Saved configurations name their "{TYPE}", got only {sorted(value)}: '
            "the file was not written by ttjax."
        )
    cls = class_of(value[TYPE])
    fields = {key: decode(item) for key, item in value.items() if key != TYPE}
    known = {field.name for field in dataclasses.fields(cls) if field.init}
    unknown = sorted(set(fields) - known)
    if unknown:
        raise ValueError(
            f"{value[TYPE]} has the fields {sorted(known)}, the file also gives "
            f"{unknown}: it was written by another version of ttjax."
        )
    return cls(**fields)


def differences(saved: Any, now: Any, where: str = "") -> list[tuple[str, Any, Any]]:
    """Where encoded values differ: (dotted path, saved, now), None where missing."""
    if _is_plain_dict(saved) and _is_plain_dict(now):
        if MAPPING in saved and MAPPING in now:
            saved, now = saved[MAPPING], now[MAPPING]
        found = []
        for key in [*saved, *(key for key in now if key not in saved)]:
            path = f"{where}.{key}" if where else key
            found += differences(saved.get(key), now.get(key), path)
        return found
    if isinstance(saved, list) and isinstance(now, list) and len(saved) == len(now):
        found = []
        for index, (old, new) in enumerate(zip(saved, now, strict=True)):
            found += differences(old, new, f"{where}.{index}" if where else str(index))
        return found
    same = type(saved) is type(now) and saved == now
    return [] if same else [(where, saved, now)]


def _home(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _is_plain_dict(value: Any) -> bool:
    return isinstance(value, dict) and PATH not in value and DTYPE not in value


def _encode(value: Any, where: str) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.bool_ | np.integer | np.floating):
        return value.item()
    if isinstance(value, tuple | list):
        return [_encode(item, f"{where}.{i}") for i, item in enumerate(value)]
    if isinstance(value, pathlib.PurePath):
        return {PATH: str(value)}
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise ValueError(
                f"Mappings in a recipe have text as keys; `{where.lstrip('.')}` has "
                "others."
            )
        return {MAPPING: {k: _encode(v, f"{where}.{k}") for k, v in value.items()}}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.init]
        return {TYPE: name_of(type(value))} | {
            name: _encode(getattr(value, name), f"{where}.{name}") for name in fields
        }
    dtype = _dtype(value)
    if dtype is None:
        raise ValueError(
            "A recipe holds registered dataclasses, tuples, mappings, paths, dtypes "
            f"and scalars; `{where.lstrip('.')}` is a {type(value).__name__}: make it "
            "one of these, or a property."
        )
    return {DTYPE: dtype.name}


def _dtype(value: Any) -> np.dtype | None:
    try:
        dtype = np.dtype(value)
    except TypeError:
        return None
    return None if dtype == np.dtype(object) else dtype
