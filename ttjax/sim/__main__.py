"""`python -m ttjax.sim export|preview|rigs|strip`: arguments and printing only."""

import pathlib
import sys
import time
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np

from ttjax import mains
from ttjax.sim.sample import Hall

Rig = Literal["side", "diagonal", "behind", "broadcast", "phone", "far_side"]


def hall_of(
    rig: tuple[Rig, ...] = ("side",),
    size: tuple[int, int] = (1080, 1920),
    fps: float = 120.0,
    variety: float = 0.0,
) -> Hall:
    """What the options say of halls and cameras, painted as suits the default device.

    Args:
        rig: Places of the camera: one or more, in turn.
        size: Height and width of the frames.
        fps: Frames per second.
        variety: 0 for the halls and the play of OpenTTGames to 1 for all kinds.
    """
    import jax

    return Hall(
        sizes=(size,),
        rigs=rig,
        fps=(fps, fps),
        variety=variety,
        tiled=jax.default_backend() == "cpu",
    )


def export_rallies(
    root: pathlib.Path,
    rallies: int,
    seconds: float,
    workers: int,
    seed: int,
    masks_every: int,
    quality: int,
    hall: Hall = Hall(),
) -> int:
    """Writes the missing rallies with a progress bar; 0 when all are there."""
    from rich import progress

    from ttjax.sim import export

    if rallies < 1 or workers < 1:
        raise ValueError(
            f"`--rallies` and `--workers` are at least 1, got {rallies} and {workers}."
        )
    plan = export.Export(
        seconds=seconds, seed=seed, masks_every=masks_every, quality=quality, hall=hall
    )
    missing = [n for n in range(rallies) if not export.finished(root, n, plan)]
    total = sum(plan.frames(n) for n in missing)
    if len(missing) < rallies:
        print(f"{rallies - len(missing)} of {rallies} rallies are already in {root}.")
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


def write_image(out: pathlib.Path, image: np.ndarray) -> int:
    """Writes an RGB image, with the directories above it."""
    import cv2

    out.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(out), image[..., ::-1]):
        raise OSError(f"Cannot write {out}.")
    print(f"{image.shape[1]} x {image.shape[0]} px in {out}.")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Parses the command line and runs one of the commands."""
    import tyro

    def export(
        root: Annotated[tyro.conf.Positional[pathlib.Path], tyro.conf.arg(name="dir")],
        /,
        hall: Annotated[Hall, tyro.conf.arg(name="", constructor=hall_of)],
        rallies: int = 4,
        seconds: float = 4.0,
        workers: int = 2,
        seed: int = 0,
        masks_every: int = 4,
        quality: int = 20,
    ) -> int:
        """Writes simulated rallies in OpenTTGames' own format.

        Each rally is DIR/<name>.mp4 (H.264) beside DIR/<name>/ball_markup.json,
        events_markup.json, segmentation_masks/, and simulation.json with the camera and
        the ball's blur. Run the same command again to go on after an interruption:
        finished rallies stay.

        Args:
            root: Directory to write to; made if missing.
            hall: Camera and hall.
            rallies: How many recordings DIR holds at the end.
            seconds: Length of each, in seconds.
            workers: Recordings rendered at once; the number of CPU cores is a good
            choice.
            seed: Another seed gives other halls, players and rallies.
            masks_every: Frames between two mask images.
            quality: H.264 constant rate factor: 0 lossless, 51 worst.
        """
        return export_rallies(
            root, rallies, seconds, workers, seed, masks_every, quality, hall
        )

    def preview(
        out: Annotated[tyro.conf.Positional[pathlib.Path], tyro.conf.arg(name="out")],
        /,
        hall: Annotated[Hall, tyro.conf.arg(name="", constructor=hall_of)],
        rows: int = 6,
        seed: int = 0,
    ) -> int:
        """Writes a contact sheet of samples: frame, masks, full-resolution canvas.

        Args:
            out: Image file to write, such as sheet.png.
            hall: Camera and hall.
            rows: Number of samples.
            seed: Another seed gives other samples.
        """
        from ttjax.sim import preview as sheets

        return write_image(out, sheets.sheet(sheets.key_of(seed), rows, hall=hall))

    def rigs(
        out: Annotated[tyro.conf.Positional[pathlib.Path], tyro.conf.arg(name="out")],
        /,
        hall: Annotated[Hall, tyro.conf.arg(name="", constructor=hall_of)],
        seed: int = 0,
    ) -> int:
        """Writes a frame of each place of the camera that `--rig` names.

        Args:
            out: Image file to write, such as rigs.png.
            hall: Camera and hall.
            seed: Another seed gives other halls.
        """
        from ttjax.sim import preview as sheets

        return write_image(out, sheets.rig_sheet(sheets.key_of(seed), hall))

    def strip(
        out: Annotated[tyro.conf.Positional[pathlib.Path], tyro.conf.arg(name="out")],
        /,
        hall: Annotated[Hall, tyro.conf.arg(name="", constructor=hall_of)],
        seed: int = 0,
    ) -> int:
        """Writes nine frames in a row around the ball, with their labels drawn.

        Args:
            out: Image file to write, such as strip.png.
            hall: Camera and hall.
            seed: Another seed gives another rally.
        """
        from ttjax.sim import preview as sheets

        return write_image(out, sheets.strip(sheets.key_of(seed), hall))

    return tyro.extras.subcommand_cli_from_dict(
        {"export": export, "preview": preview, "rigs": rigs, "strip": strip},
        prog="python -m ttjax.sim",
        description="Table tennis rallies, simulated and rendered, with exact labels.",
        args=list(sys.argv[1:] if argv is None else argv),
    )


if __name__ == "__main__":
    sys.exit(mains.guarded(main))
