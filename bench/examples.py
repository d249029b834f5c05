"""Frames at random, as examples of a family and as batches to train on."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import UInt8

from ttjax.samples import FramePool
from ttjax.task import Task

MOST_BYTES = 1 << 30
"""What all examples that take turns may hold."""


def picture(rng: np.random.Generator, *shape: int) -> UInt8[np.ndarray, "..."]:
    """Bytes at random."""
    return np.frombuffer(rng.bytes(int(np.prod(shape))), np.uint8).reshape(shape)


def example(
    task: Task, *, batch_size: int, source_hw: tuple[int, int], seed: int = 0
) -> Any:
    """A batch of windows without labels, on the device; no two share a frame.

    source_hw: of the whole frames, which go with it where the family crops from them.
    """
    rng, spec = np.random.default_rng(seed), task.sample
    t = spec.window.frames
    seen: Any = jax.eval_shape(
        spec.view, jax.ShapeDtypeStruct((batch_size, *source_hw, 3), np.uint8)
    )
    views = jax.device_put(picture(rng, batch_size, t, *seen.shape[1:]))
    whole = None
    if spec.keeps_frames:
        count = batch_size * t
        whole = FramePool(
            pixels=jax.device_put(picture(rng, count, *source_hw, 3)),
            at=jax.device_put(np.arange(count, dtype=np.int32).reshape(batch_size, t)),
        )
    return spec.example(views, whole, source_hw)


def several(
    task: Task, *, batch_size: int, source_hw: tuple[int, int], most: int = 4
) -> list[Any]:
    """Examples that differ, at most so many, and fewer where they are large."""
    first = example(task, batch_size=batch_size, source_hw=source_hw)
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(first))
    count = int(np.clip(MOST_BYTES // size, 1, most))
    return [first] + [
        example(task, batch_size=batch_size, source_hw=source_hw, seed=seed)
        for seed in range(1, count)
    ]


def uploading(example: Any) -> Callable[[], Any]:
    """A call that brings a copy of the example from the host to the device."""
    leaves, tree = jax.tree.flatten(example)
    host = [np.array(leaf) for leaf in leaves]
    return lambda: jax.tree.unflatten(tree, jax.device_put(host))


def with_own_frames(example: Any) -> Any:
    """The same in numpy, each window with a copy of its whole frames.

    As networks take it that know no pool of frames.
    """
    pool = getattr(example, "canvas", None)
    if not isinstance(pool, FramePool):
        return jax.tree.map(np.asarray, example)
    frames = np.asarray(pool.pixels)[np.asarray(pool.at)]
    rest = jax.tree.map(np.asarray, dataclasses.replace(example, canvas=None))
    return dataclasses.replace(rest, canvas=frames)


def labelled(task: Task, *, batch_size: int, seed: int = 0) -> Any:
    """A batch to train on, in numpy: pixels at random, labels known and all zero."""
    rng, spec = np.random.default_rng(seed), task.spec(batch_size)

    def fill(path: Any, leaf: Any) -> np.ndarray:
        name = path[-1].name
        if name in ("frames", "canvas", "image"):
            return picture(rng, *leaf.shape)
        if name in ("source_hw", "valid_hw"):
            return np.broadcast_to(np.array(_picture_hw(spec), np.int32), leaf.shape)
        known = leaf.dtype == np.bool_ and name.endswith("known")
        return np.full(leaf.shape, known, leaf.dtype)

    return jax.tree_util.tree_map_with_path(fill, spec)


def _picture_hw(spec: Any) -> tuple[int, ...]:
    """Size of what holds the labels' pixels."""
    if hasattr(spec, "image"):
        return spec.image.shape[-3:-1]
    return (spec.frames if spec.canvas is None else spec.canvas).shape[-3:-1]
