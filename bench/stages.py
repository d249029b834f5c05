"""The parts of a network, each as a program of its own."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench import examples, programs
from ttjax.deepsportlab.arrays import Outputs as Fields
from ttjax.deepsportlab.model import normalised
from ttjax.predictor.network import Network
from ttjax.ttnet import crop
from ttjax.ttnet.arrays import Outputs, logits_of_frame
from ttjax.ttnet.ball_path import Stage as View

TTNET = (
    "global_encoder",
    "global_ball",
    "crop",
    "local",
    "events",
    "masks",
    "decode",
)
DEEPSPORTLAB = ("backbone", "maps", "fields", "decode")
"""What answers for a window; the view of its newest frame comes before."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part with what it takes.

    result: what it gives, for the parts after it.
    """

    name: str
    program: programs.Program
    args: tuple[Any, ...]
    result: Any

    def __call__(self) -> Any:
        """Runs it."""
        return self.program(*self.args)


def of(network: Network, example: Any, source_hw: tuple[int, int]) -> list[Stage]:
    """The stages of either family, in the order of the network.

    example: a batch of its windows. source_hw: of the frame that `view` shrinks, one
    however large the batch is.
    """
    found = _Found()
    frame = examples.picture(np.random.default_rng(0), 1, *source_hw, 3)
    found.add("view", network.task.sample.view, jax.device_put(frame))
    parts = _ttnet if hasattr(example, "frames") else _deepsportlab
    inputs = jax.jit(lambda of: network.task.inputs(of, None, jnp.float32(1.0)))(
        example
    )
    parts(found, network, inputs)
    return found.stages


class _Found:
    def __init__(self):
        self.stages: list[Stage] = []

    def add(self, name: str, function: Callable[..., Any], *args: Any) -> Any:
        program = programs.build(function, *args)
        result = program(*args)
        self.stages.append(Stage(name, program, args, result))
        return result


def _ttnet(found: _Found, network: Network, inputs: Any) -> None:
    config, task, variables = network.task.config, network.task, network.variables
    window, heads = config.window, config.heads
    apply = _applied(config.model)
    encode = apply(lambda module, frames: module.global_encoder(frames, False))
    features = found.add("global_encoder", encode, variables, inputs.frames)
    ball = local = ball_local = events = masks = corner = None
    if "ball_global" in heads:
        answer = apply(lambda module, features: module.global_ball(features, False))
        ball = found.add("global_ball", answer, variables, features)
    source_wh = inputs.source_hw[:, ::-1].astype(jnp.float32)
    h, w = config.frame_hw
    cell_px = source_wh / jnp.array([[w, h]], jnp.float32)
    views = [View(features, ball, jnp.zeros_like(cell_px), cell_px)]
    if ball is not None and "ball_local" in heads:

        def cut(ball: Any, inputs: Any) -> Any:
            newest = logits_of_frame(ball, window.ball_at, window.frames)
            corner = crop.origin(
                crop.ball_centre(newest, inputs.source_hw),
                inputs.canvas_xy,
                canvas_hw=crop.canvas_size(inputs.canvas),
                crop_hw=config.crop_hw,
            )
            view = crop.cut(inputs.canvas, corner - inputs.canvas_xy, config.crop_hw)
            return view, corner

        view, corner = found.add("crop", cut, ball, inputs)

        def look(module: Any, view: Any) -> Any:
            local = module.local_encoder(view, False)
            return local, module.local_ball(local, False)

        local, ball_local = found.add("local", apply(look), variables, view)
        left = corner.astype(jnp.float32)
        views.append(View(local, ball_local, left, jnp.ones_like(left)))
    if "events" in heads:
        tell = apply(lambda module, *of: module.events(*of, False))
        events = found.add("events", tell, variables, tuple(views), source_wh)
    if "masks" in heads:
        draw = apply(lambda module, features: module.masks(features, False))
        masks = found.add("masks", draw, variables, features)
    outputs = Outputs(ball, ball_local, events, masks, corner)
    found.add("decode", task.decode, outputs, inputs)


def _deepsportlab(found: _Found, network: Network, inputs: Any) -> None:
    config, task, variables = network.task.config, network.task, network.variables
    apply = _applied(config.model)
    heat = config.has_centre_heat

    def trunk(module: Any, inputs: Any) -> Any:
        of = {"mean": config.mean, "std": config.std}
        return module.backbone(normalised(inputs.image, inputs.valid_hw, **of), False)

    def decoder(module: Any, features: Any) -> Any:
        x = module.aspp(features[-1], False)
        x = module.upsampling(x, features[-2::-1], False)
        there = {
            "semantic": "masks" in config.heads,
            "offset": config.has_offsets,
            "centre": heat,
        }
        return {name: getattr(module, name)(x, False) for name in there if there[name]}

    names = [n for n in ("parts", "centre", "ball") if n in config.heads]
    names = [name for name in names if not (name == "centre" and heat)]

    def fields(module: Any, features: Any) -> Any:
        return {name: getattr(module, name)(features[-1], False) for name in names}

    features = found.add("backbone", apply(trunk), variables, inputs)
    maps, points = {}, {}
    if config.has_maps:
        maps = found.add("maps", apply(decoder), variables, features)
    if names:
        points = found.add("fields", apply(fields), variables, features)
    outputs = Fields(
        parts=points.get("parts"),
        centre=points.get("centre"),
        ball=points.get("ball"),
        semantic=maps.get("semantic"),
        offset=maps.get("offset"),
        centre_heat=maps.get("centre"),
    )
    found.add("decode", task.decode, outputs, inputs)


def _applied(model: Any) -> Callable[..., Callable[..., Any]]:
    """Functions of a bound module become functions of variables."""

    def apply(method: Callable[..., Any]) -> Callable[..., Any]:
        return lambda variables, *args: model.apply(variables, *args, method=method)

    return apply
