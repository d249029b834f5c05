"""TTNet as a task: what trainer, evaluator and predictor may know of the family."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, UInt8

from ttjax.augment import examples
from ttjax.losses.term import Term
from ttjax.nn import folding
from ttjax.samples import VISIBLE, Clip, ClipSpec, Window
from ttjax.ttnet import crop, decode, metrics, overlay, stem, targets
from ttjax.ttnet.arrays import Ball, Inputs, Outputs, Predictions
from ttjax.ttnet.augmentation import Augment
from ttjax.ttnet.config import Config
from ttjax.ttnet.evaluator import Evaluator
from ttjax.ttnet.losses import Losses
from ttjax.ttnet.targets import Targets
from ttjax.typing import PRNGKey, Variables


@dataclasses.dataclass(frozen=True)
class Crops:
    """Where the local stage looks during a training phase.

    First at the label with a jitter, because the global stage is still blind; then,
    ever more often, at the global stage's own answer, as in inference.

    jitter: standard deviation, as a share of the crop's width and height.
    forced_until: progress up to which every crop follows its label.
    own_from: progress from which every crop follows the global stage; the share grows
        linearly in between.
    """

    jitter: float = 0.085
    forced_until: float = 0.3
    own_from: float = 0.7

    def __post_init__(self):
        """Checks the order of the schedule."""
        if not self.forced_until <= self.own_from or self.jitter < 0:
            raise ValueError(
                "Crops are forced first and own later, with a jitter of 0 or more, got "
                f"forced_until={self.forced_until}, own_from={self.own_from}, "
                f"jitter={self.jitter}: set `forced_until` <= `own_from`."
            )

    def own_share(self, progress: Float[Array, ""]) -> Float[Array, ""]:
        """The share of crops that follow the global stage's answer."""
        ramp = max(self.own_from - self.forced_until, 1e-6)
        return jnp.clip((progress - self.forced_until) / ramp, 0.0, 1.0)


@dataclasses.dataclass(frozen=True)
class Task:
    """A TTNet with its data, targets, losses and metrics.

    loss_terms: heads to train; empty means all heads of the config.
    ball_radius_px: in source px; None: 7.5 at 1080 lines, scaled with the height.
    threshold: both vectors of a ball reach it where the ball is present (section 6.2).
    event_threshold, event_gap: a peak in time reaches the one, and has no higher peak
        within the other, in frames.
    """

    config: Config = Config()
    loss_terms: tuple[str, ...] = ()
    loss: Losses = Losses()
    crops: Crops = Crops()
    augmentation: Augment = Augment()
    ball_radius_px: float | None = None
    threshold: float = 0.5
    event_threshold: float = 0.5
    event_gap: int = 8

    def __post_init__(self):
        """Fills in the loss terms and checks them.

        Raises:
            ValueError: a term of a head that is switched off, or wrong event weights.
        """
        if not self.loss_terms:
            object.__setattr__(self, "loss_terms", tuple(self.config.heads))
        missing = [name for name in self.loss_terms if name not in self.config.heads]
        if missing:
            raise ValueError(
                f"Every loss term belongs to a head, got {missing} beside the heads "
                f"{self.config.heads}: add them to `heads` or drop the terms."
            )
        self.loss.weights_of(self.config.events)

    @property
    def window(self) -> Window:
        """The frames of one example."""
        return self.config.window

    @property
    def sample(self) -> ClipSpec:
        """Frames, canvas and classes, as far as the heads need them."""
        heads = self.config.heads
        return ClipSpec(
            window=self.window,
            frame_hw=self.config.frame_hw,
            canvas_hw=self.config.canvas_hw,
            events=self.config.events if "events" in heads else (),
            masks=self.config.masks if "masks" in heads else (),
        )

    def spec(self, batch_size: int) -> Clip:
        """`jax.ShapeDtypeStruct`s of a batch."""
        return self.sample.batch(batch_size)

    def augment(self, key: PRNGKey, batch: Clip) -> Clip:
        """Changes examples at random: each with one draw for all of its pixels."""
        keys = jax.random.split(key, batch.frames.shape[0])
        return examples.each(self._augment_one, keys, batch)

    def _augment_one(self, key: PRNGKey, clip: Clip) -> Clip:
        crop_hw = self.config.crop_hw if self.config.canvas_hw else None
        return self.augmentation.one(key, clip, window=self.window, crop_hw=crop_hw)

    def inputs(
        self, batch: Clip, key: PRNGKey | None, progress: Float[Array, ""]
    ) -> Inputs:
        """Pixels, and where the local stage is to look.

        With a key some crops are forced, by `progress`: to the label with a jitter, or,
        where no ball is known to be visible, anywhere in the canvas. `key=None` is
        inference: nothing is forced and no label is read.
        """
        clip: Any = jax.tree.map(jnp.asarray, batch)
        count = clip.frames.shape[0]
        if key is None or clip.canvas is None:
            crop_at = jnp.zeros((count, 2), jnp.float32)
            forced = jnp.zeros((count,), jnp.bool_)
        else:
            crop_at, forced = self._forced_crops(key, clip, progress)
        return Inputs(
            frames=clip.frames,
            canvas=clip.canvas if self.config.canvas_hw is not None else None,
            canvas_xy=clip.canvas_xy,
            source_hw=clip.source_hw,
            crop_at=crop_at,
            forced=forced,
        )

    def _forced_crops(
        self, key: PRNGKey, batch: Any, progress: Float[Array, ""]
    ) -> tuple[Float[Array, "b 2"], Bool[Array, " b"]]:
        jitter_key, place_key, forced_key = jax.random.split(key, 3)
        count = batch.frames.shape[0]
        crop_wh = jnp.array(self.config.crop_hw[::-1], jnp.float32)[None]
        canvas_hw = crop.canvas_size(batch.canvas)
        canvas_wh = jnp.array(canvas_hw[::-1], jnp.float32)[None]
        draw = jax.random.normal(jitter_key, (count, 2))
        at_ball = batch.labels.ball_xy_px[:, self.window.ball_at]
        at_ball = at_ball + draw * self.crops.jitter * crop_wh
        anywhere = jax.random.uniform(place_key, (count, 2)) * (canvas_wh - crop_wh)
        anywhere = anywhere + batch.canvas_xy + 0.5 * crop_wh
        visible = batch.labels.ball_state[:, self.window.ball_at] == VISIBLE
        forced = jax.random.bernoulli(
            forced_key, 1.0 - self.crops.own_share(jnp.asarray(progress)), (count,)
        )
        return jnp.where(visible[:, None], at_ball, anywhere), forced

    def targets(self, batch: Clip, outputs: Outputs) -> Targets:
        """What the heads should say; the local view is where `outputs` had it."""
        return targets.build(
            batch.labels,
            outputs,
            jnp.asarray(batch.source_hw),
            ball_at=self.window.ball_at,
            ball_radius_px=self.ball_radius_px,
        )

    def losses(self, outputs: Outputs, targets: Targets) -> Mapping[str, Term]:
        """One term per name of `loss_terms`."""
        return self.loss.terms(
            outputs,
            targets,
            names=self.loss_terms,
            events=self.config.events,
            ball_at=self.window.ball_at,
        )

    def metrics(self, outputs: Outputs, batch: Clip) -> Mapping[str, Any]:
        """Accumulators named `head/metric`. Forced crops flatter the local stage."""
        source_hw = jnp.asarray(batch.source_hw)
        return metrics.accumulators(
            self._predictions(outputs, source_hw),
            batch.labels,
            source_hw,
            ball_at=self.window.ball_at,
            mask_names=self.config.masks,
        )

    def decode(self, outputs: Outputs, inputs: Inputs) -> Predictions:
        """Answers in source pixels."""
        return self._predictions(outputs, inputs.source_hw)

    def _predictions(self, outputs: Outputs, source_hw: Array) -> Predictions:
        return decode.predictions(
            outputs, source_hw, window=self.window, threshold=self.threshold
        )

    def for_inference(
        self, variables: Variables, dtype: str | None
    ) -> tuple["Task", Variables]:
        """The task and the variables that give the same answers faster.

        BatchNorms and preprocessing are folded into the kernels.
        """
        config: Any = self.config
        if dtype is not None:
            config = dataclasses.replace(config, compute_dtype=dtype)
        folded = folding.fold(variables)
        params = dict(folded["params"])
        for name in ("global_encoder", "local_encoder"):
            if name in params:
                params[name] = stem.for_bytes(params[name], config.preprocessing)
        cast = folding.cast_kernels({**folded, "params": params}, config.compute_dtype)
        return dataclasses.replace(self, config=config), cast

    def records(
        self, predictions: Predictions
    ) -> Sequence[Sequence[tuple[int, dict[str, Any]]]]:
        """Per example the ball with its frame offset, and the events with theirs.

        `ball` is the finest stage's answer: `xy_px` (null where not present),
        `probability`, `present`; the global stage's own answer is in its field `global`
        where there are both. `events` are probabilities by name.
        """
        host = jax.tree.map(np.asarray, predictions)
        findings: list[list[tuple[int, dict[str, Any]]]] = []
        for index in range(_batch_size(host)):
            found: list[tuple[int, dict[str, Any]]] = []
            if host.ball is not None:
                ball = _ball_record(host.ball, index)
                if host.ball_local is not None and host.ball_global is not None:
                    ball["global"] = _ball_record(host.ball_global, index)
                found.append((self.window.offset(self.window.ball_at), {"ball": ball}))
            if host.events is not None:
                events = {
                    name: round(float(value), 4)
                    for name, value in zip(
                        self.config.events, host.events[index], strict=True
                    )
                }
                offset = self.window.offset(self.window.event_at)
                found.append((offset, {"events": events}))
            findings.append(found)
        return findings

    def overlay(
        self, batch: Clip, predictions: Predictions
    ) -> Sequence[UInt8[np.ndarray, "_ _ 3"]]:
        """The first examples, each stage's view with its answer and its label."""
        return overlay.pictures(batch, predictions, config=self.config)

    def evaluator(self) -> Evaluator:
        """A fresh evaluator on the host, for windows in time order."""
        return Evaluator(
            window=self.window,
            events=self.config.events,
            masks=self.config.masks,
            event_threshold=self.event_threshold,
            event_gap=self.event_gap,
        )


def _ball_record(ball: Ball, index: int) -> dict[str, Any]:
    """One stage's answer as JSON values."""
    present = bool(ball.present[index])
    xy_px = [round(float(value), 2) for value in ball.xy_px[index]]
    return {
        "xy_px": xy_px if present else None,
        "probability": round(float(ball.probability[index]), 4),
        "present": present,
    }


def _batch_size(predictions: Predictions) -> int:
    return jax.tree.leaves(predictions)[0].shape[0]
