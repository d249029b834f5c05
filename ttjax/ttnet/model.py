"""TTNet: a global stage on whole frames, a local stage on full-resolution pixels.

Tables 1 to 5 of Voeikov et al. (2020), built from the objects of a
`ttjax.ttnet.config.Config`.
"""

from collections.abc import Set as AbstractSet
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int32

from ttjax.ttnet import crop
from ttjax.ttnet.arrays import BallLogits, Inputs, Outputs, logits_of_frame
from ttjax.ttnet.ball_path import Stage
from ttjax.ttnet.encoders import Features

MODULES = (
    "global_encoder",
    "global_ball",
    "local_encoder",
    "local_ball",
    "events",
    "masks",
)
"""Top-level names of parameters: what phases freeze, copy and set to training mode."""


class Model(nn.Module):
    """The network. `train` names the modules that drop out and use batch statistics.

    config: a `ttjax.ttnet.config.Config`.
    """

    config: Any

    def setup(self):
        """Makes the modules that the config's heads need, under the names `MODULES`."""
        config = self.config
        dtype = jnp.dtype(config.compute_dtype)
        shared = {"width": config.width, "dropout": config.dropout, "dtype": dtype}
        rates = config.base_rates
        at = config.window.ball_at
        stage = {"frames": config.ball_frames, "at": at, **shared}

        def encoder() -> nn.Module:
            return config.encoder.build(preprocessing=config.preprocessing, **shared)

        self.global_encoder = encoder()
        if "ball_global" in config.heads:
            self.global_ball = config.ball_head.build(
                hw=config.frame_hw, base_rate=rates.global_xy, **stage
            )
        if "ball_local" in config.heads:
            self.local_encoder = encoder()
            self.local_ball = config.ball_head.build(
                hw=config.crop_hw, base_rate=rates.local_xy, **stage
            )
        if "events" in config.heads:
            self.events = config.event_head.build(
                events=len(config.events),
                use_path=config.event_ball,
                window=config.window,
                base_rate=rates.events,
                **shared,
            )
        if "masks" in config.heads:
            self.masks = config.decoder.build(
                masks=len(config.masks), width=config.width, dtype=dtype
            )

    def __call__(
        self, inputs: Inputs, train: AbstractSet[str] = frozenset()
    ) -> Outputs:
        """Raw logits of every head, from bytes.

        Raises:
            ValueError: another number or size of frames than the config's, no canvas
                although there is a local stage, a canvas smaller than the crop, or a
                name in `train` that is none of `MODULES`.
        """
        self._check(inputs.frames.shape[1], inputs.frames.shape[2:4], train)
        features = self.global_encoder(inputs.frames, "global_encoder" in train)
        ball = self._ball_global(features, train)
        if ball is None or "ball_local" not in self.config.heads:
            return self._rest(features, ball, None, None, inputs.source_hw, train)
        if inputs.canvas is None:
            raise ValueError(
                "The local stage crops full-resolution pixels, got `canvas=None`: pass "
                "a canvas, or leave 'ball_local' out of `heads`."
            )
        crop_xy = self._crop_xy(ball, inputs, crop.canvas_size(inputs.canvas))
        view = crop.cut(inputs.canvas, crop_xy - inputs.canvas_xy, self.config.crop_hw)
        local = self.local_encoder(view, "local_encoder" in train)
        return self._rest(features, ball, local, crop_xy, inputs.source_hw, train)

    def from_stacks(
        self,
        frames: Float[Array, "b h w c"],
        view: Float[Array, "b hl wl c"] | None = None,
        *,
        crop_xy: Int32[Array, "b 2"] | None = None,
        source_hw: Int32[Array, "b 2"] | None = None,
        train: AbstractSet[str] = frozenset(),
    ) -> Outputs:
        """Raw logits from preprocessed stacks (channel 3 * frame + rgb).

        frames, view: what the first convolutions of the two stages see.
        crop_xy: source px of the view's corner, by default (0, 0).
        source_hw: by default the size of `frames`.

        Raises:
            ValueError: as `__call__`, or no `view` although there is a local stage.
        """
        self._check(frames.shape[-1] / 3, frames.shape[1:3], train)
        batch = frames.shape[0]
        if source_hw is None:
            source_hw = jnp.broadcast_to(jnp.array(frames.shape[1:3]), (batch, 2))
        features = self.global_encoder(frames, "global_encoder" in train)
        ball = self._ball_global(features, train)
        if "ball_local" not in self.config.heads:
            return self._rest(features, ball, None, None, source_hw, train)
        if view is None or view.shape[1:3] != tuple(self.config.crop_hw):
            raise ValueError(
                f"The local stage sees a crop of {self.config.crop_hw}, got "
                f"{None if view is None else view.shape[1:3]}: pass `view`, or leave "
                "'ball_local' out of `heads`."
            )
        if crop_xy is None:
            crop_xy = jnp.zeros((batch, 2), jnp.int32)
        local = self.local_encoder(view, "local_encoder" in train)
        return self._rest(features, ball, local, crop_xy, source_hw, train)

    def _ball_global(
        self, features: Features, train: AbstractSet[str]
    ) -> BallLogits | None:
        if "ball_global" not in self.config.heads:
            return None
        return self.global_ball(features, "global_ball" in train)

    def _crop_xy(
        self, ball: BallLogits, inputs: Inputs, canvas_hw: tuple[int, int]
    ) -> Int32[Array, "b 2"]:
        window = self.config.window
        own = crop.ball_centre(
            logits_of_frame(ball, window.ball_at, window.frames), inputs.source_hw
        )
        return crop.origin(
            jnp.where(inputs.forced[:, None], inputs.crop_at, own),
            inputs.canvas_xy,
            canvas_hw=canvas_hw,
            crop_hw=self.config.crop_hw,
        )

    def _rest(
        self,
        features: Features,
        ball: BallLogits | None,
        local: Features | None,
        crop_xy: Int32[Array, "b 2"] | None,
        source_hw: Int32[Array, "b 2"],
        train: AbstractSet[str],
    ) -> Outputs:
        config = self.config
        source_wh = source_hw[:, ::-1].astype(jnp.float32)
        h, w = config.frame_hw
        cell_px = source_wh / jnp.array([w, h], jnp.float32)[None]
        stages = [Stage(features, ball, jnp.zeros_like(cell_px), cell_px)]
        ball_local = events = masks = None
        if local is not None and crop_xy is not None:
            ball_local = self.local_ball(local, "local_ball" in train)
            corner = crop_xy.astype(jnp.float32)
            stages.append(Stage(local, ball_local, corner, jnp.ones_like(corner)))
        if "events" in config.heads:
            events = self.events(tuple(stages), source_wh, "events" in train)
        if "masks" in config.heads:
            masks = self.masks(features, "masks" in train)
        return Outputs(ball, ball_local, events, masks, crop_xy)

    def _check(
        self, frames: int | float, hw: tuple[int, ...], train: AbstractSet[str]
    ) -> None:
        config = self.config
        if frames != config.window.frames:
            raise ValueError(
                f"The network needs {config.window.frames} frames per stack, got "
                f"{frames:g}: set `window` in the config or re-window the data."
            )
        if tuple(hw) != tuple(config.frame_hw):
            raise ValueError(
                f"The network sees frames of {tuple(config.frame_hw)}, got "
                f"{tuple(hw)}: set `frame_hw` in the config or resize the frames."
            )
        unknown = sorted(set(train) - set(MODULES))
        if unknown:
            raise ValueError(
                f"`train` names modules out of {MODULES}, got {unknown}: correct the "
                "name."
            )
