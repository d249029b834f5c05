"""From bytes to what the first convolution sees: fixed affine maps of the channels.

A stack's channel is 3 * frame + rgb, oldest frame first. A preprocessing is a frozen
dataclass with `matrix(frames)` and `offset(frames)`, x = bytes @ matrix + offset, and
the same map as `apply(frames)`.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, UInt8


@dataclasses.dataclass(frozen=True)
class Normalise:
    """(byte / 255 - mean) / std of each colour, the same in every frame of the stack.

    mean, std: of R, G, B in shares of full scale (ImageNet's by default).
    """

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    def matrix(self, frames: int) -> Float32[np.ndarray, "3*{frames} 3*{frames}"]:
        """The linear part; row: byte, column: network channel."""
        return np.diag(np.tile(1 / (255 * np.array(self.std)), frames)).astype(
            np.float32
        )

    def offset(self, frames: int) -> Float32[np.ndarray, "3*{frames}"]:
        """The constant part."""
        shift = -np.array(self.mean) / np.array(self.std)
        return np.tile(shift, frames).astype(np.float32)

    def apply(self, frames: UInt8[Array, "b t h w 3"]) -> Float32[Array, "b h w 3*t"]:
        """The float stack that a network without a folded stem sees."""
        return _stack(self._each(frames))

    def _each(self, frames: Array) -> Array:
        mean, std = (jnp.array(v, jnp.float32) for v in (self.mean, self.std))
        colours = frames.astype(jnp.float32) / 255 - mean[None, None, None, None]
        return colours / std[None, None, None, None]


@dataclasses.dataclass(frozen=True)
class Whiten:
    """Frames minus their mean over the stack, times `gain`, plus the mean; normalised.

    Most of a stack is a still picture; the gain brings what moves to the scale of what
    stands. Invertible: the networks that can be expressed stay the same.
    """

    gain: float = 8.0
    normalise: Normalise = Normalise(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))

    def matrix(self, frames: int) -> Float32[np.ndarray, "3*{frames} 3*{frames}"]:
        """The linear part; row: byte, column: network channel."""
        mean = np.full((frames, frames), 1 / frames)
        mixing = self.gain * (np.eye(frames) - mean) + mean
        colours = np.kron(mixing, np.eye(3)).astype(np.float32)
        return self.normalise.matrix(frames) @ colours

    def offset(self, frames: int) -> Float32[np.ndarray, "3*{frames}"]:
        """The constant part: a constant has no motion, its gain is one."""
        return self.normalise.offset(frames)

    def apply(self, frames: UInt8[Array, "b t h w 3"]) -> Float32[Array, "b h w 3*t"]:
        """The float stack that a network without a folded stem sees."""
        each = self.normalise._each(frames)
        mean = each.mean(axis=1, keepdims=True)
        return _stack(self.gain * (each - mean) + mean)


def stack_bytes(frames: UInt8[Array, "b t h w 3"]) -> UInt8[Array, "b h w 3*t"]:
    """Frames as the channels of one picture, 3 * frame + rgb, still as bytes."""
    return _stack(frames)


def _stack(frames: Array) -> Array:
    b, t, h, w, _ = frames.shape
    return frames.transpose(0, 2, 3, 1, 4).reshape(b, h, w, 3 * t)
