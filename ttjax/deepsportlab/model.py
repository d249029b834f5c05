"""DeepSportLab: fields of keypoints, centres and the ball, and maps of masks.

Ghasemzadeh et al. (2021), Fig. 2, built from the objects of a
`ttjax.deepsportlab.config.Config`. One trunk; intensity fields straight from its last
map; a pyramid and a decoder with skips for the maps.
"""

from collections.abc import Set as AbstractSet
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Int32, UInt8

from ttjax.deepsportlab.arrays import Inputs, Outputs
from ttjax.deepsportlab.backbones import EPSILON
from ttjax.deepsportlab.heads import MapHead, PifHead, logit
from ttjax.deepsportlab.upsampling import Upsampling
from ttjax.nn.aspp import ASPP
from ttjax.scenes import JOINTS

MODULES = (
    "backbone",
    "aspp",
    "upsampling",
    "semantic",
    "offset",
    "parts",
    "centre",
    "ball",
)
"""Top-level names of parameters: what phases freeze, copy and set to training mode."""


class Model(nn.Module):
    """The network. `train` names the modules that drop out and use batch statistics.

    config: a `ttjax.deepsportlab.config.Config`.
    """

    config: Any

    def setup(self):
        """Makes the modules that the config's heads need, under the names `MODULES`."""
        config = self.config
        dtype = jnp.dtype(config.compute_dtype)
        rates = config.base_rates
        norm: dict[str, Any] = {
            "epsilon": EPSILON,
            "momentum": config.momentum,
            "dtype": dtype,
        }
        sided: dict[str, Any] = {"kernel": config.kernel, **norm}
        self.backbone = config.backbone.build(momentum=config.momentum, dtype=dtype)
        if config.has_maps:
            self.aspp = ASPP(config.channels, config.rates, config.dropout, **norm)
            self.upsampling = Upsampling(config.channels, config.skips, **sided)
        if "masks" in config.heads:
            shares = {"player": rates.player, "ball": rates.ball}
            shares = {name: shares[name] for name in config.classes[1:]}
            shares = (1 - sum(shares.values()), *shares.values())
            bias = tuple(float(np.log(share)) for share in shares)
            self.semantic = MapHead(config.channels, bias, **sided)
        if config.has_offsets:
            self.offset = MapHead(config.channels, (0.0, 0.0), **sided)
        if config.has_centre_heat:
            bias = (logit(rates.confidence),)
            self.centre = MapHead(config.channels, bias, **sided)
        fields: dict[str, Any] = {
            "base_rate": rates.confidence,
            "scale_activation": config.scale_activation,
            "dtype": dtype,
        }
        if "parts" in config.heads:
            self.parts = PifHead(len(JOINTS), **fields)
        if "centre" in config.heads and not config.has_centre_heat:
            self.centre = PifHead(1, **fields)
        if "ball" in config.heads:
            self.ball = PifHead(1, **fields)

    def __call__(
        self, inputs: Inputs, train: AbstractSet[str] = frozenset()
    ) -> Outputs:
        """Raw outputs of every head, from bytes; the padding gets the mean colour.

        Raises:
            ValueError: another size of pictures than the config's, or a name in `train`
                that is none of `MODULES`.
        """
        config = self.config
        picture = normalised(
            jnp.asarray(inputs.image),
            jnp.asarray(inputs.valid_hw),
            mean=config.mean,
            std=config.std,
        )
        return self.from_normalised(picture, train)

    def from_normalised(
        self, picture: Float[Array, "b h w 3"], train: AbstractSet[str] = frozenset()
    ) -> Outputs:
        """Raw outputs of every head, from what the first convolution sees.

        Raises:
            ValueError: as `__call__`.
        """
        config = self.config
        self._check(picture.shape[1:3], train)
        moves = "backbone" in train and not config.frozen_statistics
        maps = self.backbone(picture, moves)
        fields = {
            name: getattr(self, name)(maps[-1], name in train)
            for name in ("parts", "centre", "ball")
            if name in config.heads
            and not (name == "centre" and config.has_centre_heat)
        }
        semantic = offset = None
        heat: Any = None
        if config.has_maps:
            x = self.aspp(maps[-1], "aspp" in train)
            x = self.upsampling(x, maps[-2::-1], "upsampling" in train)
            if "masks" in config.heads:
                semantic = self.semantic(x, "semantic" in train)
            if config.has_offsets:
                offset = self.offset(x, "offset" in train)
            if config.has_centre_heat:
                heat = self.centre(x, "centre" in train)
        return Outputs(
            parts=fields.get("parts"),
            centre=fields.get("centre"),
            ball=fields.get("ball"),
            semantic=semantic,
            offset=offset,
            centre_heat=heat,
        )

    def _check(self, hw: tuple[int, ...], train: AbstractSet[str]) -> None:
        if tuple(hw) != tuple(self.config.image_hw):
            raise ValueError(
                f"The network sees pictures of {tuple(self.config.image_hw)}, got "
                f"{tuple(hw)}: set `image_hw` in the config or resize the pictures."
            )
        unknown = sorted(set(train) - set(MODULES))
        if unknown:
            raise ValueError(
                f"`train` names modules out of {MODULES}, got {unknown}: correct the "
                "name."
            )


def normalised(
    image: UInt8[Array, "b h w 3"],
    valid_hw: Int32[Array, "b 2"],
    *,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
) -> Float32[Array, "b h w 3"]:
    """(byte / 255 - mean) / std of each colour, and 0 below and right of `valid_hw`."""
    centre, spread = (jnp.array(v, jnp.float32)[None, None, None] for v in (mean, std))
    colours = (image.astype(jnp.float32) / 255 - centre) / spread
    rows, columns = (jnp.arange(size) for size in image.shape[1:3])
    inside = (rows[None, :, None] < valid_hw[:, 0, None, None]) & (
        columns[None, None] < valid_hw[:, 1, None, None]
    )
    return jnp.where(inside[..., None], colours, 0.0)
