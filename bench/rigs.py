"""Scores of a trained TTNet on unseen simulated rallies, camera by camera.

    python -m bench.rigs CHECKPOINT [--conditions NAME ...] [--out DIR]
        [--json PATH] [--markdown F]

CHECKPOINT is a run, one of its checkpoints, or the name of weights that ship. Every
condition is a set of recordings of the test stream at variety 1: twenty of the side
camera (OpenTTGames' place, 120 frames/s, 1920 x 1080), twenty of the same at broadcast
conditions (25 to 30 frames/s, 1280 x 720), five of each other camera. Whole frames are
rendered and streamed, and the local stage looks where the global one sent it, as in
use. Scores are the evaluator's (`ttjax.ttnet.evaluator`), each with the best constant
predictor and a 95 % interval over recordings. `clamped` is the share of frames whose
crop was moved to stay in the picture.
"""

import argparse
import dataclasses
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import rows

if TYPE_CHECKING:
    from ttjax.evaluation import Evaluation

SECONDS = 1.5
VARIETY = 1.0
SHOWN = (
    "ball_local/rmse_px",
    "ball_local/pck@1",
    "ball_local/pck@2",
    "ball_local/pck@5",
    "ball_local/pck@10",
    "ball_global/pck@10",
    "ball_local/presence",
    "ball_local/false_presence",
    "events/bounce/f1@1",
    "events/bounce/f1@2",
    "events/net/f1@1",
    "events/net/f1@2",
    "masks/table/iou",
    "masks/humans/iou",
    "masks/scoreboard/iou",
)
"""The metrics of the table, in its order."""


@dataclasses.dataclass(frozen=True)
class Condition:
    """A camera and how it films, and how many recordings of it are scored."""

    rig: str
    recordings: int
    size_hw: tuple[int, int] = (1080, 1920)
    fps: tuple[float, float] = (120.0, 120.0)
    seconds: float = SECONDS

    def data(self) -> Any:
        """The simulation whose test recordings these are."""
        from ttjax.sim.data import Simulation

        return Simulation(
            sizes=(self.size_hw,),
            rigs=(self.rig,),
            fps=self.fps,
            variety=VARIETY,
            seconds=self.seconds,
            test_recordings=self.recordings,
        )


CONDITIONS = {
    "side": Condition("side", 20),
    "diagonal": Condition("diagonal", 5),
    "behind": Condition("behind", 5),
    "broadcast": Condition("broadcast", 5),
    "phone": Condition("phone", 5),
    "far_side": Condition("far_side", 5),
    "side_720p_25fps": Condition("side", 20, (720, 1280), (25.0, 30.0), 3.0),
}


@dataclasses.dataclass
class Clamped:
    """Counts the frames whose crop did not lie around the answer of the global stage.

    crop_hw: size of the crop, source px.
    """

    crop_hw: tuple[int, int]
    frames: int = 0
    clamped: int = 0

    def __call__(self, recording: Any, frame: np.ndarray, predictions: Any) -> None:
        """Looks at one frame's predictions, as an evaluation's observer does."""
        if predictions is None:
            return
        x, y = np.asarray(predictions.ball_global.xy_px).reshape(-1, 2)[-1]
        height, width = frame.shape[:2]
        rows_from, columns_from = self.crop_hw[0] / 2, self.crop_hw[1] / 2
        inside = (
            columns_from <= x <= width - columns_from
            and rows_from <= y <= height - rows_from
        )
        self.frames += 1
        self.clamped += not inside

    @property
    def share(self) -> float:
        """Of all frames seen."""
        return self.clamped / max(self.frames, 1)


def score(
    model: Any, name: str, condition: Condition
) -> tuple[dict[str, Any], "Evaluation"]:
    """The row of one condition, and the evaluation that it is made from."""
    from ttjax import evaluation

    clamped = Clamped(model.task.config.crop_hw)
    found = evaluation.evaluate(
        model, condition.data().recordings("test"), observe=clamped
    )
    row = {
        **rows.about("rigs", f"simulated.{name}"),
        "recordings": len(found.recordings),
        "frames": sum(one.frames for one in found.recordings),
        "source_hw": list(condition.size_hw),
        "fps": list(condition.fps),
        "clamped": clamped.share,
        "seconds": found.seconds,
        "scores": {metric: dict(entry) for metric, entry in found.scores.items()},
    }
    return row, found


def text(entry: Mapping[str, float]) -> str:
    """A score, its interval, and the best constant's in brackets."""
    from ttjax.evaluation import result

    parts = [result.number(entry["value"])]
    if "low" in entry:
        low, high = (result.number(entry[end]) for end in ("low", "high"))
        parts.append(f"{low} to {high}")
    if "baseline" in entry:
        parts.append(f"[{result.number(entry['baseline'])}]")
    return " ".join(parts)


def markdown(measured: Sequence[Mapping[str, Any]]) -> str:
    """A table with one column per condition."""
    names = [row["name"].split("/")[0].removeprefix("simulated.") for row in measured]
    lines = [["metric", *names], ["---", *["---:"] * len(names)]]
    for metric in SHOWN:
        cells = [
            text(row["scores"][metric]) if metric in row["scores"] else ""
            for row in measured
        ]
        if any(cells):
            lines.append([metric, *cells])
    lines.append(["crops clamped", *(f"{row['clamped']:.3f}" for row in measured)])
    lines.append(["recordings", *(str(row["recordings"]) for row in measured)])
    lines.append(["frames", *(str(row["frames"]) for row in measured)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def main(argv: Sequence[str] | None = None) -> None:
    """Scores, prints and writes the table."""
    parser = argparse.ArgumentParser(
        description="Scores on unseen simulated rallies, camera by camera."
    )
    parser.add_argument("checkpoint", help="a run, a checkpoint, or a name")
    parser.add_argument(
        "--conditions", nargs="+", choices=tuple(CONDITIONS), default=list(CONDITIONS)
    )
    parser.add_argument("--recordings", type=int, help="of each, instead of its own")
    parser.add_argument("--seconds", type=float, help="of each, instead of its own")
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        help="writes an evaluation.json for each condition, for a model card",
    )
    parser.add_argument("--json", type=pathlib.Path, help="merges the rows into PATH")
    parser.add_argument("--markdown", type=pathlib.Path, help="writes the table to F")
    options = parser.parse_args(argv)
    from ttjax import predictor, weights

    checkpoint = str(weights.find(options.checkpoint))
    model = predictor.load(options.checkpoint, dtype="float32")
    measured = []
    for name in options.conditions:
        changes = {
            field: getattr(options, field)
            for field in ("recordings", "seconds")
            if getattr(options, field) is not None
        }
        condition = dataclasses.replace(CONDITIONS[name], **changes)
        row, found = score(model, name, condition)
        measured.append(row)
        if options.out:
            dataclasses.replace(found, checkpoint=checkpoint).write(options.out / name)
        rows.keep(options.json, [row])
        print(f"{name}: {row['frames']} frames in {row['seconds']:.0f} s", flush=True)
    print(markdown(measured), end="")
    if options.markdown:
        options.markdown.write_text(markdown(measured), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
