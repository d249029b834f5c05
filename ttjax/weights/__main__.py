"""`python -m ttjax.weights publish RUN NAME | list | show NAME`."""

import pathlib
import sys
from collections.abc import Sequence
from typing import Any, Literal

from ttjax import mains, weights
from ttjax.weights import card, shipped


def publish(
    run: pathlib.Path,
    name: str,
    /,
    directory: pathlib.Path = shipped.HOME,
    which: Literal["best", "latest"] = "best",
    ema: bool = True,
    scores: tuple[pathlib.Path, ...] = (),
    about: str = "",
    limits: tuple[str, ...] = (),
    replace: bool = False,
) -> None:
    """Writes weights of a run that saw simulated data alone, for anyone to use.

    Args:
        run: A run's directory, or one of its checkpoints.
        name: Under which `ttjax.load` finds them, in lower case.
        directory: Where their folder is made.
        which: The checkpoint of a run.
        ema: Takes averaged parameters where the run has them.
        scores: evaluation.json files of these weights, or their folders, after which
            the tables of the model card are called.
        about: A sentence for the model card.
        limits: Further sentences of the card, on what the weights cannot do.
        replace: Weights of this name give way.
    """
    folder = weights.publish(
        run,
        name,
        directory,
        which=which,
        ema=ema,
        scores=scores,
        about=about,
        limits=limits,
        replace=replace,
    )
    for path in sorted(folder.iterdir()):
        print(f"{path} ({path.stat().st_size / 1e6:.2f} MB)")


def list_all(directory: pathlib.Path = shipped.HOME) -> None:
    """Lists the weights that ship.

    Args:
        directory: Where their folders are.
    """
    found = shipped.names(directory)
    rows = [_row(shipped.load_metadata(directory / name)) for name in found]
    if not rows:
        print(f"There are no weights in {directory}.")
        return
    _print_table(("name", "numbers", "MB", "steps", "time", "licence"), rows)


def show(name: str, /) -> None:
    """Says what weights are, and prints their scores.

    Args:
        name: Of weights that ship, or a folder of published ones.
    """
    folder = weights.published(name)
    if folder is None:
        raise ValueError(
            f"Published weights are shown, {name} is something else: describe it by "
            "`python -m ttjax.describe`."
        )
    config = shipped.load_metadata(folder)
    card_text = (folder / shipped.CARD).read_text(encoding="utf-8")
    print(card_text.partition("---\n\n")[2].partition("## Scores")[0])
    for one in config["scores"]:
        print(f"{one['title']} (of {one['scored']})")
        _print_table(*card.table(one["scores"]))


def _row(config: dict[str, Any]) -> list[str]:
    return [
        config["name"],
        f"{config['parameters']:,}",
        f"{card.size_mb(config):.1f}",
        f"{config['step']:,}",
        card.minutes(config),
        config["licence"],
    ]


def _print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    import rich.console
    import rich.table

    table = rich.table.Table(box=None, pad_edge=False, header_style="bold")
    for index, head in enumerate(heads):
        table.add_column(head, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    rich.console.Console(highlight=False).print(table)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command that the arguments name."""
    import tyro

    tyro.extras.subcommand_cli_from_dict(
        {"publish": publish, "list": list_all, "show": show},
        prog="python -m ttjax.weights",
        description="Trained weights that come with the package.",
        args=argv,
    )


if __name__ == "__main__":
    sys.exit(mains.guarded(main))
