"""How cost grows: with batch, frame size, players, clip length and devices.

    python bench/scaling.py [PART ...] [--family NAME] [--preset NAME] [--dtype NAME]
        [--device cpu|cuda] [--json PATH] [--quick]

    batch    windows in one program
    size     a live frame of growing size, from the host to its answer
    players  DeepSportLab's decoder with more people in the picture
    length   a whole clip on the host, answered for in bulk
    devices  the same batch on each of more devices; on a CPU make some with
             XLA_FLAGS=--xla_force_host_platform_device_count=2

`cost` is a row's time per unit (window, pixel, player, frame, window on a device) over
that of the part's first row: 1 where cost is proportional, less where it grows slower.
"""

import argparse
import dataclasses
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

if __name__ == "__main__":
    # Run as a file, Python looks for `bench` and `ttjax` in here, not beside them.
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from bench import devices, examples, latency, made_fields, models, peaks, rows
from bench.models import Model
from ttjax import timing
from ttjax.deepsportlab import decode
from ttjax.deepsportlab.decoder import Decoder
from ttjax.predictor import Network, Predictor

COLUMNS = ("units", "p50_ms", "p99_ms", "per_s", "cost")
"""What is shown of a row."""

SIZES = ((360, 640), (720, 1280), (1080, 1920), (2160, 3840))
"""Of frames, in pixels."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is measured, and how long."""

    model: Model
    dtype: str
    calls: int = 30
    seconds: float = 10.0

    @property
    def source_hw(self) -> tuple[int, int]:
        """Of whole frames, where their size is not what changes."""
        return models.QUICK_HW if self.model.quick else models.FULL_HD

    def network(self) -> Network:
        """The network on the device."""
        task = self.model.task()
        return Network.of(task, models.variables(task), self.dtype)

    def row(self, name: str, units: int, call: Callable[[], Any]) -> dict[str, Any]:
        """Times a call that works on so many units."""
        took = timing.repeat(call, calls=self.calls, warmup=2, seconds=self.seconds)
        label = f"{self.model.label}.scaling.{name}.{self.dtype}"
        return {
            **rows.about("scaling", label, quick=self.model.quick),
            **took.row(),
            "units": units,
            "per_s": round(1e3 * units / took.p50_ms, 2),
        }


def batch(setting: Setting) -> Iterator[dict[str, Any]]:
    """Windows on the device, more and more in one program."""
    network = setting.network()
    answer = jax.jit(network.answer)
    for count in (1, 2) if setting.model.quick else (1, 2, 4, 8, 16):
        given = examples.example(
            network.task, batch_size=count, source_hw=setting.source_hw
        )
        call = timing.rotating(answer, [(network.variables, given)])
        yield setting.row(f"batch{count}", count, call)


def size(setting: Setting) -> Iterator[dict[str, Any]]:
    """A live frame from the host, larger and larger."""
    task = setting.model.task()
    predictor = Predictor(task, models.variables(task), dtype=setting.dtype)
    rng = np.random.default_rng(0)
    for h, w in ((128, 256),) if setting.model.quick else SIZES:
        stream = predictor.stream((h, w), pad_first=True)
        frames = [(examples.picture(rng, h, w, 3),) for _ in range(3)]
        call = timing.rotating(stream.push, frames)
        yield setting.row(f"size{h}x{w}", h * w, call)


def players(setting: Setting) -> Iterator[dict[str, Any]]:
    """The decoder alone, with more and more players in a picture of 641x641."""
    quick = setting.model.quick
    decoding = dataclasses.replace(setting, model=Model("deepsportlab", quick=quick))
    image_hw = (193, 193) if quick else (641, 641)
    run = jax.jit(
        lambda outputs, inputs: decode.predictions(outputs, inputs, Decoder())
    )
    for count in (1, 3) if quick else (1, 10, 20, 30):
        made = made_fields.spread(np.random.default_rng(count), count, image_hw)
        fields = made_fields.fields(made, noise=np.random.default_rng(0))
        given = jax.device_put((fields, made_fields.inputs(made)))
        yield decoding.row(f"players{count}", count, timing.rotating(run, [given]))


def length(setting: Setting) -> Iterator[dict[str, Any]]:
    """A clip on the host, longer and longer; its windows share what they can."""
    task = setting.model.task()
    predictor = Predictor(task, models.variables(task), dtype=setting.dtype)
    rng = np.random.default_rng(0)
    for count in (16,) if setting.model.quick else (16, 32, 64, 128):
        frames = examples.picture(rng, count, *setting.source_hw, 3)
        call = timing.rotating(predictor.clip, [(frames,)])
        yield setting.row(f"length{count}", count, call)


def spread(setting: Setting) -> Iterator[dict[str, Any]]:
    """One batch on each device, on more and more of them at once."""
    network = setting.network()
    each = 1 if setting.model.quick or jax.default_backend() == "cpu" else 16
    one = examples.example(network.task, batch_size=each, source_hw=setting.source_hw)
    for count in range(1, jax.device_count() + 1):
        if jax.device_count() % count:
            continue
        mesh = jax.make_mesh(
            (count,),
            ("data",),
            axis_types=(AxisType.Auto,),
            devices=jax.devices()[:count],
        )
        everywhere = NamedSharding(mesh, PartitionSpec())
        split = NamedSharding(mesh, PartitionSpec("data"))
        variables = jax.device_put(network.variables, everywhere)
        # Each device's windows point to frames that lie on it.
        leaves = [np.concatenate([leaf] * count) for leaf in jax.tree.leaves(one)]
        given = jax.tree.unflatten(
            jax.tree.structure(one), jax.device_put(leaves, split)
        )
        answer = jax.jit(
            jax.shard_map(
                network.answer,
                mesh=mesh,
                in_specs=(PartitionSpec(), PartitionSpec("data")),
                out_specs=PartitionSpec("data"),
                check_vma=False,
            )
        )
        call = timing.rotating(answer, [(variables, given)])
        yield setting.row(f"devices{count}.b{each}", each * count, call)


PARTS: dict[str, Callable[[Setting], Iterator[dict[str, Any]]]] = {
    "batch": batch,
    "size": size,
    "players": players,
    "length": length,
    "devices": spread,
}
"""What can be measured, by name."""


def compared(found: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The same rows with their `cost`."""
    first = None
    for row in found:
        each = row["p50_ms"] / row["units"]
        first = each if first is None else first
        yield row | {"cost": round(each / first, 4)}


def main(argv: Sequence[str] | None = None) -> None:
    """Prints the rows of the parts that are asked for; merges them into a file."""
    parser = argparse.ArgumentParser(description="How cost grows.")
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--family", choices=tuple(models.PRESETS), default="ttnet")
    parser.add_argument("--preset", default="", help="a network of that family")
    parser.add_argument("--dtype", choices=peaks.DTYPES)
    parser.add_argument("--seconds", type=float, default=10.0, help="of a row, at most")
    parser.add_argument("--device", choices=devices.NAMES)
    parser.add_argument("--json", type=pathlib.Path, help="file to merge rows into")
    parser.add_argument("--quick", action="store_true", help="small and few, to try")
    options = parser.parse_args(argv)
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"parts are {', '.join(PARTS)}; got {', '.join(unknown)}")
    devices.use(options.device)
    setting = Setting(
        model=Model(options.family, options.preset, quick=options.quick),
        dtype=options.dtype or latency.default_dtype(),
        calls=2 if options.quick else 30,
        seconds=options.seconds,
    )
    for part in options.parts:
        found = list(compared(PARTS[part](setting)))
        rows.table(f"Cost against {part}", found, COLUMNS)
        rows.keep(options.json, found)


if __name__ == "__main__":
    main()
