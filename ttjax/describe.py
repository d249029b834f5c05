"""What a network is: `python -m ttjax.describe NAME|DIR [--json]`.

Parameters and multiply-accumulates of one example, module by module, and the shapes
that go in and come out. Nothing is computed and no weights are read.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ttjax import mains, weights
from ttjax.deepsportlab import config as deepsportlab_config
from ttjax.deepsportlab import task as deepsportlab_task
from ttjax.nn import cost
from ttjax.task import Task
from ttjax.ttnet import config as ttnet_config
from ttjax.ttnet import task as ttnet_task

PRESETS: dict[str, Callable[[], Task]] = {
    **{
        name: lambda make=make: ttnet_task.Task(config=make())
        for name, make in ttnet_config.PRESETS.items()
    },
    **{
        name if name != "nano" else "deepsportlab_nano": (
            lambda make=make: deepsportlab_task.Task(config=make())
        )
        for name, make in deepsportlab_config.PRESETS.items()
    },
}
"""Tasks by the names of their networks; `nano` is TTNet's."""


def find_task(name: str) -> Task:
    """The task of a preset, of weights that ship, or of a checkpoint directory.

    Raises:
        ValueError: the name is neither, and there is no such directory.
        FileNotFoundError: the directory holds no checkpoint.
    """
    if name in PRESETS:
        return PRESETS[name]()
    known = ", ".join([*PRESETS, *weights.names()])
    if not weights.exists(name):
        raise ValueError(
            f"A network is known by name ({known}) or a checkpoint directory, got "
            f"{name!r}: correct the name or the path."
        )
    return weights.load_task(name)


def facts(task: Task, name: str) -> dict[str, Any]:
    """Sizes and cost for one example, as JSON values.

    `{"name", "parameters", "gmac", "modules": {module: {"parameters", "gmac"}},
    "inputs", "outputs"}`; a multiply-accumulate counts once, `gmac` is in units of
    10^9; inputs and outputs map paths to "dtype[shape]".
    """
    model = task.config.model
    inputs = jax.eval_shape(
        lambda batch: task.inputs(batch, None, jnp.zeros(())), task.spec(1)
    )
    variables = jax.eval_shape(model.init, jax.random.key(0), inputs)
    modules = {
        module: {"parameters": cost.parameters(part), "gmac": 0.0}
        for module, part in variables["params"].items()
    }
    macs: Counter[str] = Counter()
    for scope, count in cost.macs_by_scope(model.apply, variables, inputs).items():
        owner = next((part for part in scope.split("/") if part in modules), "")
        macs[owner] += count
    for module, count in macs.items():
        modules.setdefault(module or "other", {"parameters": 0, "gmac": 0.0})
        modules[module or "other"]["gmac"] = count / 1e9
    return {
        "name": name,
        "parameters": cost.parameters(variables["params"]),
        "gmac": macs.total() / 1e9,
        "modules": modules,
        "inputs": _shapes(inputs),
        "outputs": _shapes(jax.eval_shape(model.apply, variables, inputs)),
    }


def _shapes(tree: Any) -> dict[str, str]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {
        jax.tree_util.keystr(path).lstrip("."): (
            f"{leaf.dtype}[{', '.join(map(str, leaf.shape))}]"
        )
        for path, leaf in leaves
    }


def _print_table(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=found["name"])
    for heading in ("module", "parameters", "GMAC"):
        table.add_column(heading, justify="left" if heading == "module" else "right")
    for module, size in found["modules"].items():
        table.add_row(module, f"{size['parameters']:,}", f"{size['gmac']:.4f}")
    table.add_section()
    table.add_row("all", f"{found['parameters']:,}", f"{found['gmac']:.4f}")
    console = Console()
    console.print(table)
    for side in ("inputs", "outputs"):
        for path, shape in found[side].items():
            console.print(f"{side[:-1]:7} {path:14} {shape}", markup=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table, or one JSON object."""
    parser = argparse.ArgumentParser(
        prog="python -m ttjax.describe", description="Sizes and cost of a network."
    )
    names = ", ".join([*PRESETS, *weights.names()])
    parser.add_argument("network", help=f"{names} or a checkpoint directory")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args(arguments)
    found = facts(find_task(options.network), options.network)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        _print_table(found)
    return 0


if __name__ == "__main__":
    sys.exit(mains.guarded(main))
