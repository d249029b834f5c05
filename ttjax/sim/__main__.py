"""`python -m ttjax.sim export DIR | preview OUT.png`: arguments and printing only."""

import pathlib
import sys
import time
from collections.abc import Sequence
from typing import Annotated

from ttjax import mains


def export_rallies(
    root: pathlib.Path,
    rallies: int,
    seconds: float,
    workers: int,
    seed: int,
    masks_every: int,
    quality: int,
) -> int:
    """Writes the missing rallies with a progress bar; 0 when all are there."""
    from rich import progress

    from ttjax.sim import export

    if rallies < 1 or workers < 1:
        raise ValueError(
            f"`--rallies` and `--workers` are at least 1, got {rallies} and {workers}."
        )
    plan = export.Export(
        seconds=seconds, seed=seed, masks_every=masks_every, quality=quality
    )
    there = sum(export.finished(root, n, plan) for n in range(rallies))
    total = (rallies - there) * plan.frames
    if there:
        print(f"{there} of {rallies} rallies are already in {root}.")
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TextColumn("ETA"),
        progress.TimeRemainingColumn(),
    )
    start = time.perf_counter()
    with progress.Progress(*columns) as bar:
        task = bar.add_task("frames", total=total)
        export.write(
            root, rallies, plan, workers=workers, advance=lambda: bar.advance(task)
        )
    rate = total / max(time.perf_counter() - start, 1e-9)
    print(f"{rallies} rallies in {root}; {total} frames written, {rate:.1f} frames/s.")
    return 0


def write_preview(out: pathlib.Path, rows: int, seed: int) -> int:
    """Writes the contact sheet."""
    import cv2

    from ttjax.sim import preview

    image = preview.sheet(preview.key_of(seed), rows)
    out.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(out), image[..., ::-1]):
        raise OSError(f"Cannot write {out}.")
    print(f"{rows} samples in {out}.")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Parses the command line and runs one of the two commands."""
    import tyro

    def export(
        root: Annotated[tyro.conf.Positional[pathlib.Path], tyro.conf.arg(name="dir")],
        /,
        rallies: int = 4,
        seconds: float = 4.0,
        workers: int = 2,
        seed: int = 0,
        masks_every: int = 4,
        quality: int = 20,
    ) -> int:
        """Writes simulated rallies in OpenTTGames' own format.

        Each rally is DIR/<name>.mp4 (H.264, 1920 x 1080, 120 fps) beside
        DIR/<name>/ball_markup.json, events_markup.json and segmentation_masks/. Run the
        same command again to go on after an interruption: finished rallies stay.

        Args:
            root: Directory to write to; made if missing.
            rallies: How many recordings DIR holds at the end.
            seconds: Length of each, in seconds.
            workers: Recordings rendered at once; the number of CPU cores is a good
            choice.
            seed: Another seed gives other halls, players and rallies.
            masks_every: Frames between two mask images.
            quality: H.264 constant rate factor: 0 lossless, 51 worst.
        """
        return export_rallies(
            root, rallies, seconds, workers, seed, masks_every, quality
        )

    def preview(
        out: Annotated[tyro.conf.Positional[pathlib.Path], tyro.conf.arg(name="out")],
        /,
        rows: int = 6,
        seed: int = 0,
    ) -> int:
        """Writes a contact sheet of samples: frame, masks, full-resolution canvas.

        Args:
            out: Image file to write, such as sheet.png.
            rows: Number of samples.
            seed: Another seed gives other samples.
        """
        return write_preview(out, rows, seed)

    return tyro.extras.subcommand_cli_from_dict(
        {"export": export, "preview": preview},
        prog="python -m ttjax.sim",
        description="Table tennis rallies, simulated and rendered, with exact labels.",
        args=list(sys.argv[1:] if argv is None else argv),
    )


if __name__ == "__main__":
    sys.exit(mains.guarded(main))
