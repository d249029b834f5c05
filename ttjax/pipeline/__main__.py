"""`python -m ttjax.pipeline cache DIR | show OUT.png RECIPE`: looks after samples.

`cache` decodes prepared records once: training finds what is decoded and reads it
instead of the records, with the same samples bit for bit. `show` draws what a recipe
trains on.
"""

import pathlib
import sys
from collections.abc import Sequence
from typing import Annotated

from ttjax import mains
from ttjax.pipeline.stack_records import StackRecords
from ttjax.pipeline.stack_set import StackSet
from ttjax.samples import Split


def cache(
    data: pathlib.Path,
    /,
    splits: tuple[Split, ...] = ("train", "validation"),
    threads: int = 2,
) -> None:
    """Decodes prepared records into memory-mapped files in the cache directory.

    A stack of nine frames takes 3.9 MB. What is already decoded stays.

    Args:
        data: Folder of the prepared records, or one above it.
        splits: Those that have records are decoded.
        threads: Decoders.
    """
    records = StackRecords(data, threads=threads)
    built = StackSet(data)
    for split in splits:
        if built.count(split):
            print(f"{built.name} {split}: {records.decode(split)}")


def show(out: pathlib.Path, arguments: Sequence[str]) -> None:
    """Writes pictures of a recipe's first training batch, before and after augmenting.

    out: a .png; further examples of the batch get a number in their names.
    arguments: recipe and flags, as `ttjax.train` takes them.

    Raises:
        ValueError: the recipe's task is no TTNet.
        OSError: a picture cannot be written.
    """
    import cv2
    import jax

    from ttjax.train import arguments as command_line
    from ttjax.ttnet import preview
    from ttjax.ttnet.task import Task

    recipe = command_line.parse(arguments)
    if not isinstance(recipe.task, Task):
        raise ValueError(
            "Training samples are drawn as a TTNet sees them, this recipe trains a "
            f"{type(recipe.task).__module__}: give one with a `ttjax.ttnet.task.Task`."
        )
    source = recipe.data.train(
        recipe.task.sample, batch_size=recipe.batch_size, seed=recipe.seed
    )
    key = jax.random.key(recipe.seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    pictures = preview.sheets(key, recipe.task, source.next_batch())
    for number, picture in enumerate(pictures):
        name = f"{out.stem}_{number}" if number else out.stem
        path = out.with_name(f"{name}.png")
        flags = [cv2.IMWRITE_PNG_COMPRESSION, 9]
        if not cv2.imwrite(str(path), picture[..., ::-1], flags):
            raise OSError(f"Cannot write {path}.")
        print(path)


def main(argv: Sequence[str] | None = None) -> None:
    """Does what the command line names."""
    import tyro

    given = list(sys.argv[1:] if argv is None else argv)
    # Flags after the recipe are the recipe's own, `--help` too.
    rest = given[3:] if given[:1] == ["show"] else []

    def show_recipe(
        out: Annotated[tyro.conf.Positional[pathlib.Path], tyro.conf.arg(name="out")],
        recipe: Annotated[tyro.conf.Positional[str], tyro.conf.arg(name="recipe")],
        /,
    ) -> None:
        """Draws a recipe's first training batch, before and after augmentation.

        All flags of `python -m ttjax.train RECIPE` may follow: `--batch-size 1` draws
        one example, another `--seed` others.

        Args:
            out: Picture to write, such as examples.png.
            recipe: Recipe file, such as train/ttnet_openttgames.py.
        """
        show(out, [recipe, *rest])

    tyro.extras.subcommand_cli_from_dict(
        {"cache": cache, "show": show_recipe},
        args=given[: len(given) - len(rest)],
        prog="python -m ttjax.pipeline",
    )


if __name__ == "__main__":
    sys.exit(mains.guarded(main))
