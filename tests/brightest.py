"""A family defined outside the package: its model finds the brightest pixel."""

import dataclasses
from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from ttjax import checkpoints, registry
from ttjax.losses.term import Term
from ttjax.predictor import Predictor
from ttjax.samples import VISIBLE, ClipSpec, FrameLabels, Window


@flax.struct.dataclass
class Inputs:
    frames: Any
    canvas: Any
    source_hw: Any


@flax.struct.dataclass
class Predictions:
    xy_px: Any
    present: Any
    flash: Any
    masks: Any = None


class Model(nn.Module):
    """Of the canvas if there is one, else of the small frames."""

    window: Window

    @nn.compact
    def __call__(self, inputs, train=frozenset()):
        gain = self.param("gain", nn.initializers.ones, ())
        small = inputs.frames.astype(jnp.float32)
        canvas = inputs.canvas
        at = self.window.ball_at
        if canvas is None:
            frame = small[:, at]
        else:
            frame = canvas.pixels[canvas.at[:, at]].astype(jnp.float32)
        light = frame.sum(-1) * gain
        b, h, w = light.shape
        place = light.reshape(b, h * w).argmax(-1)
        xy = jnp.stack([place % w, place // w], axis=-1) + 0.5
        scale = inputs.source_hw[:, ::-1] / jnp.array([w, h])[None]
        return Predictions(
            xy_px=xy * scale,
            present=light.max((1, 2)) > 600,
            flash=small[:, self.window.event_at].mean((1, 2, 3)) / 255,
            masks=small[:, at, :, :, :1] / 255,
        )


SHORT = Window(3)


@registry.register("test.brightest.Config")
@dataclasses.dataclass(frozen=True)
class Config:
    window: Window = SHORT
    frame_hw: tuple[int, int] = (8, 12)
    canvas: bool = True

    @property
    def model(self):
        return Model(self.window)


class Evaluator:
    """Share of visible balls within a pixel, and how many windows came, per clip."""

    def __init__(self, window):
        self.window = window
        self.hits, self.windows, self.areas = {}, {}, []

    def add(self, predictions, labels, *, clip):
        at = self.window.ball_at
        visible = labels.ball_state[:, at] == VISIBLE
        off = np.abs(predictions.xy_px - labels.ball_xy_px[:, at]).max(-1)
        hit = (off <= 1)[visible]
        self.hits.setdefault(clip, []).extend(hit.tolist())
        self.windows[clip] = self.windows.get(clip, 0) + len(visible)
        if labels.masks_known.any():
            self.areas.append((predictions.masks.sum(), labels.masks.sum()))

    def merge(self, other):
        raise AssertionError("nobody merges in these tests")

    def table(self):
        hits = [hit for found in self.hits.values() for hit in found]
        table = {
            "hit": {
                "value": float(np.mean(hits)),
                "baseline": 0.25,
                "low": 0.5,
                "high": 1.0,
                "n": float(len(hits)),
            }
        }
        if self.areas:
            area = float(np.mean([predicted for predicted, _ in self.areas]))
            table["area"] = {"value": area, "n": float(len(self.areas))}
        return table


@registry.register("test.brightest.Task")
@dataclasses.dataclass(frozen=True)
class Task:
    config: Config = Config()
    loss_terms: tuple[str, ...] = ("ball",)

    @property
    def window(self):
        return self.config.window

    @property
    def sample(self):
        hw = self.config.frame_hw
        canvas_hw = hw if self.config.canvas else None
        return ClipSpec(self.window, hw, canvas_hw, ("flash",), ("light",))

    def spec(self, batch_size):
        return self.sample.batch(batch_size)

    def augment(self, key, batch):
        return batch

    def inputs(self, batch, key, progress):
        return Inputs(batch.frames, batch.canvas, batch.source_hw)

    def targets(self, batch, outputs):
        return batch.labels

    def losses(self, outputs, targets):
        ones = jnp.ones(outputs.present.shape)
        return {"ball": Term(ones, ones)}

    def metrics(self, outputs, batch):
        return {}

    def decode(self, outputs, inputs):
        return outputs

    def for_inference(self, variables, dtype):
        return self, variables

    def records(self, predictions):
        window, found = self.window, []
        for xy, present, flash in zip(
            np.asarray(predictions.xy_px),
            np.asarray(predictions.present),
            np.asarray(predictions.flash),
            strict=True,
        ):
            ball = {"xy_px": xy.tolist() if present else None, "present": bool(present)}
            events = {"flash": round(float(flash), 4)}
            found.append(
                [
                    (window.offset(window.ball_at), {"ball": ball}),
                    (window.offset(window.event_at), {"events": events}),
                ]
            )
        return found

    def overlay(self, batch, predictions):
        """The first example, with a blue pixel where the ball is predicted."""
        picture = np.array(batch.frames[0, self.window.ball_at])
        size = np.array(picture.shape[:2])[::-1] / np.asarray(batch.source_hw[0, ::-1])
        x, y = (np.asarray(predictions.xy_px[0]) * size).astype(int)
        picture[y, x] = 0, 0, 255
        return [picture]

    def evaluator(self):
        return Evaluator(self.window)


VARIABLES = {"params": {"gain": jnp.ones(())}}


def predictor(window=SHORT, **fields):
    """Of this family, ready."""
    return Predictor(Task(Config(window=window, **fields)), VARIABLES)


def same(left, right):
    """Asserts that two trees hold the same numbers."""
    jax.tree.map(np.testing.assert_array_equal, host(left), host(right))


def video(count, hw=(24, 36), seed=0):
    """Dim noise with one bright ball a frame; the frames and the ball's centre."""
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 60, (count, *hw, 3), np.uint8)
    x = rng.integers(0, hw[1], count)
    y = rng.integers(0, hw[0], count)
    frames[np.arange(count), y, x] = 250
    return frames, np.stack([x, y], -1).astype(np.float32) + 0.5


def save(run, task, variables, data=None):
    """A run's directory with one checkpoint."""
    recipe = {"task": registry.encode(task), "data": data}
    with checkpoints.Store(run / "checkpoints") as store:
        metrics = checkpoints.Metrics(0, 1.0)
        store.save(3, {"variables": variables}, {"recipe": recipe}, metrics)
    return run


def drawn(abstract, seed=0):
    """Variables of any model, without compiling its initialisation."""
    rng = np.random.default_rng(seed)
    variables = jax.tree.map(
        lambda leaf: rng.normal(0, 0.05, leaf.shape).astype(leaf.dtype), abstract
    )
    if "batch_stats" in variables:
        ones = jax.tree.map(np.ones_like, variables["batch_stats"])
        variables = {**variables, "batch_stats": ones}
    return variables


def host(tree):
    return jax.tree.map(np.asarray, tree)


class Clip:
    """A recording of the video above; every third frame has a mask."""

    fps = 25.0

    def __init__(self, name, frames, xy_px, *, labels=None):
        self.name, self._frames = name, frames
        self.size_hw = (int(frames.shape[1]), int(frames.shape[2]))
        self.labels = labels or FrameLabels(
            ball_xy_px=xy_px,
            ball_state=np.full(len(frames), VISIBLE, np.int8),
            events={"flash": np.array([4])},
            masks={n: np.ones((24, 36, 1), np.uint8) for n in range(0, len(frames), 3)},
            mask_names=("light",),
        )

    def frames(self):
        yield from self._frames
