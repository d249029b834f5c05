"""`python -m ttjax.video analyse CLIP --out DIR [--checkpoint RUN]`."""

import pathlib
import sys
from collections.abc import Sequence
from typing import Literal

from ttjax import mains

SHIPPED = pathlib.Path("ttnet-sim-nano")
"""The weights that analyse where no others are named."""


def analyse(
    clip: pathlib.Path,
    /,
    out: pathlib.Path,
    checkpoint: pathlib.Path = SHIPPED,
    overlay: bool = True,
    masks: bool = False,
    coco: bool = False,
    dtype: Literal["float32", "bfloat16", "float16"] | None = None,
    cache: bool = True,
) -> None:
    """Finds the ball, events and people in a video.

    Args:
        clip: Any video file.
        out: Where frames.jsonl and overlay.mp4 are written.
        checkpoint: A run's directory, one of its checkpoints, or the name of weights
            that ship.
        overlay: Draws what is found over the video.
        masks: Computes masks of classes, too, and draws them into the overlay.
        coco: Writes coco_results.json: people with masks and joints, as pycocotools
            loads them; a frame's number is its image_id.
        dtype: In which the network computes; by default float16, on CPUs float32.
        cache: Keeps compiled programs in the user's cache directory, so that the next
            run starts at once.
    """
    import rich.console
    import rich.progress

    from ttjax import caches, predictor
    from ttjax.media import reader
    from ttjax.video import analyse as analysis

    console = rich.console.Console(highlight=False, soft_wrap=True, stderr=True)
    video = reader.Reader(clip)
    loaded = predictor.load(checkpoint, dtype=dtype)
    if cache:
        path = caches.keep_compilations()
        console.print(f"compilation cache: {path} ({caches.megabytes(path):.0f} MB)")
    note = analysis.rate_note(loaded.metadata, video.fps)
    if note is not None:
        console.print(note, markup=False)
    columns = (
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TimeRemainingColumn(),
    )
    with rich.progress.Progress(*columns, console=console) as bar:
        done = analysis.analyse(
            clip,
            loaded,
            out,
            checkpoint=str(checkpoint),
            overlay=overlay,
            masks=masks,
            coco=coco,
            watch=lambda frames, total: bar.track(
                frames, total=total or None, description=clip.name
            ),
        )
    if done.truncated:
        console.print(
            f"note: in {done.truncated} of {done.frames} frames there was more than "
            "the decoder has room for, and the weakest was left out: raise its "
            "capacities in the recipe."
        )
    rate = done.frames / max(done.seconds, 1e-9)
    print(f"{done.frames} frames in {done.seconds:.1f} s ({rate:.1f} frames/s)")
    for path in (done.jsonl, done.overlay, done.coco):
        if path is not None:
            print(path)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command that the arguments name."""
    import tyro

    tyro.extras.subcommand_cli_from_dict(
        {"analyse": analyse},
        prog="python -m ttjax.video",
        description="Findings per frame of whole videos.",
        args=argv,
    )


if __name__ == "__main__":
    sys.exit(mains.guarded(main))
