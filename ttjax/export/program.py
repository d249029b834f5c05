"""A trained network as a function of named arrays, with named arrays as results."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt8

from ttjax.predictor import Network
from ttjax.samples import FramePool

FRAMES, VIEWS = "frames", "views"
"""Names of inputs: whole source frames, and what the network sees of them."""

UNITS = {
    "area_px": "square pixels of the source frame",
    "source_hw": "pixels",
    "crop_xy": "pixels of the source frame",
    "to_source": "pixels of the source frame per pixel of ids",
    "probability": "probability",
    "score": "probability",
    "joint_score": "probability",
    "ball_score": "probability",
    "events": "probability",
    "masks": "probability",
}
"""Of results, by the last part of their names."""


@dataclasses.dataclass(frozen=True)
class Program:
    """`program(frames=…)` or `program(views=…, frames=…)` -> arrays by name.

    size_hw: of the source frames. from_views: whether the caller downscales; whole
        frames are then taken only where the network cuts crops from them.
    masks: whether a field `masks` is among the results, where the family has one.
    """

    network: Network
    size_hw: tuple[int, int]
    from_views: bool = False
    masks: bool = True

    def __post_init__(self):
        """Checks the size.

        Raises:
            ValueError: frames that are smaller than what the network looks at.
        """
        self.network.task.sample.check_frame(self.size_hw)

    def inputs(self, batch: Any = 1) -> dict[str, jax.ShapeDtypeStruct]:
        """Shape and dtype by name; `batch` may be a symbol of `jax.export`."""
        sample = self.network.task.sample
        frames = sample.window.frames
        frame: Any = jax.ShapeDtypeStruct((1, *self.size_hw, 3), np.uint8)
        whole = jax.ShapeDtypeStruct((batch, frames, *frame.shape[1:]), np.uint8)
        if not self.from_views:
            return {FRAMES: whole}
        view = jax.eval_shape(sample.view, frame)
        views = jax.ShapeDtypeStruct((batch, frames, *view.shape[1:]), view.dtype)
        return {VIEWS: views} | ({FRAMES: whole} if sample.keeps_frames else {})

    def answer(
        self,
        views: UInt8[Array, "b t hs ws 3"] | None = None,
        frames: UInt8[Array, "b t h w 3"] | None = None,
    ) -> Any:
        """The family's own predictions.

        Raises:
            ValueError: neither views nor frames.
        """
        sample = self.network.task.sample
        if views is None:
            if frames is None:
                raise ValueError("A network looks at frames, got none: give `frames`.")
            small = sample.view(frames.reshape(-1, *frames.shape[2:]))
            views = small.reshape(*frames.shape[:2], *small.shape[1:])
        pool = None
        if frames is not None and sample.keeps_frames:
            b, t = frames.shape[:2]
            at = jnp.arange(b * t, dtype=jnp.int32).reshape(b, t)
            pool = FramePool(frames.reshape(b * t, *frames.shape[2:]), at)
        example = sample.example(views, pool, self.size_hw)
        return self.network.answer(self.network.variables, example, masks=self.masks)

    def __call__(self, **arrays: Any) -> dict[str, Array]:
        """Every array of the predictions under its path, as in "ball_global.xy_px"."""
        return named(self.answer(**arrays))

    @functools.cached_property
    def abstract(self) -> Any:
        """The predictions for a batch of one as `jax.ShapeDtypeStruct`s."""
        return jax.eval_shape(lambda arrays: self.answer(**arrays), self.inputs())


def named(predictions: Any) -> dict[str, Any]:
    """Every array under its path; what is None is left out."""
    leaves = jax.tree_util.tree_leaves_with_path(predictions)
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): leaf
        for path, leaf in leaves
    }


def unit(name: str) -> str:
    """Of the result of this name."""
    last = name.rpartition(".")[2]
    return UNITS.get(
        last, "pixels of the source frame" if last.endswith("_px") else "1"
    )


def described(program: Program) -> dict[str, Any]:
    """Names, dtypes, shapes and units as JSON values; "b" is the batch."""

    def shape(leaf: Any) -> list[Any]:
        return ["b", *leaf.shape[1:]]

    return {
        "inputs": {
            name: {"dtype": str(leaf.dtype), "shape": shape(leaf)}
            for name, leaf in program.inputs().items()
        },
        "outputs": {
            name: {"dtype": str(leaf.dtype), "shape": shape(leaf), "unit": unit(name)}
            for name, leaf in named(program.abstract).items()
        },
    }
