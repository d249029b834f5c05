"""Simulated balls and events against labelled ones, as distributions.

    python -m bench.realism DATA [--variety V] [--json PATH] [--plot PNG]

DATA holds folders of OpenTTGames labels (`ball_markup.json` beside
`events_extended.json` or `events_markup.json`). As there, a simulated ball is labelled
from 4 frames before to 12 frames after a bounce or net event and 4 frames after a
stroke far from both; speeds and directions are those from one labelled frame to the
next. The distance between two distributions is Wasserstein's
(the mean shift that turns one into the other); that of the simulator to all clips
together is judged by the largest between two clips: `ratio`, at most 1.5 is asked for.

The clips to compare with are those that may be looked at: OpenTTGames' test clips stay
unseen. Events of its `game_4` are a copy of another clip's and are left out.
"""

import argparse
import itertools
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from bench import rows
from ttjax.formats import frame_table, openttgames
from ttjax.samples import VISIBLE
from ttjax.sim import export

CLIPS = ("game_1", "game_2", "game_3", "game_4", "game_5")
WITHOUT_EVENTS = ("game_4",)
EVENT_FILES = ("events_extended.json", openttgames.EVENTS_FILE)
AROUND = tuple(range(-4, 13))
"""Labelled frames around an event, as measured in OpenTTGames."""
AFTER_STROKE = (4,)
LONGEST_S = 1.5
"""Two events further apart do not belong to one exchange."""
FPS = 120.0
QUANTITIES = {
    "speed": "px per frame",
    "elevation": "degrees above the horizontal",
    "rightward": "share of steps",
    "ball_x": "px",
    "ball_y": "px",
    "bounce_x": "px",
    "bounce_y": "px",
    "gap": "s to the next event",
    "absent": "share of frames",
}
"""What is compared, and its unit. A bounce's place in the picture of a camera that
stands still is its place on the table."""
LIMIT = 1.5
SIZE_HW, COLUMNS = (260, 420), 3
"""Of one plot of the picture, and how many stand side by side."""

Sample = Float[np.ndarray, " n"]
Samples = Mapping[str, Sample]


def wasserstein(one: Sample, other: Sample) -> float:
    """The distance between two samples' distributions: area between their CDFs."""
    one, other = np.sort(one), np.sort(other)
    knots = np.sort(np.concatenate([one, other]))
    below = np.searchsorted(one, knots[:-1], side="right") / len(one)
    beyond = np.searchsorted(other, knots[:-1], side="right") / len(other)
    return float(np.sum(np.abs(below - beyond) * np.diff(knots)))


def measure(
    frames: Int[np.ndarray, " n"],
    xy_px: Float[np.ndarray, "n 2"],
    seen: np.ndarray,
    events: Mapping[str, Int[np.ndarray, " k"]],
) -> dict[str, Sample]:
    """Samples of every quantity that labels tell of.

    frames: labelled ones, ascending, with the ball's place and whether it is seen.
    events: frames of `bounce` and `net`; empty where they are not known.
    """
    pair = (np.diff(frames) == 1) & seen[1:] & seen[:-1]
    step = np.diff(xy_px, axis=0)[pair]
    length = np.hypot(*step.T)
    moves = length > 0.5
    index = {int(frame): k for k, frame in enumerate(frames)}
    at = [index[int(f)] for f in events.get("bounce", ()) if int(f) in index]
    at = np.array([k for k in at if seen[k]], int)
    known = [np.asarray(found, np.int64) for found in events.values()]
    order = np.sort(np.concatenate([np.zeros(0, np.int64), *known]))
    gaps = np.diff(order) / FPS
    return {
        "speed": length,
        "elevation": np.degrees(
            np.arctan2(-step[moves, 1], np.abs(step[moves, 0]) + 1e-9)
        ),
        "rightward": (step[moves, 0] > 0).astype(float),
        "ball_x": xy_px[seen, 0].astype(float),
        "ball_y": xy_px[seen, 1].astype(float),
        "bounce_x": xy_px[at, 0].astype(float),
        "bounce_y": xy_px[at, 1].astype(float),
        "gap": gaps[(gaps > 0) & (gaps < LONGEST_S)],
        "absent": (~seen).astype(float),
    }


def labelled(folder: pathlib.Path) -> dict[str, Sample]:
    """Samples of a clip's label files.

    Raises:
        FileNotFoundError: the folder lacks one of them.
    """
    balls_file = folder / openttgames.BALL_FILE
    files = [folder / name for name in EVENT_FILES if (folder / name).is_file()]
    if not balls_file.is_file() or not files:
        raise FileNotFoundError(
            f"A clip's folder holds {openttgames.BALL_FILE} and one of {EVENT_FILES}, "
            f"{folder} does not: pass the directory above such folders."
        )
    balls = openttgames.read_balls(balls_file)
    events = {}
    if folder.name not in WITHOUT_EVENTS:
        found = frame_table.read(files[0])
        for kind in ("bounce", "net"):
            at = [frame for frame, name in found.items() if name == kind]
            events[kind] = np.array(at, np.int64)
    return measure(balls.frames, balls.xy_px, balls.state == VISIBLE, events)


def labelled_frames(
    events: Int[np.ndarray, " n"], strokes: Int[np.ndarray, " m"]
) -> Int[np.ndarray, " k"]:
    """Frames around bounces and net events, and after strokes far from them."""
    gap = np.abs(strokes[:, None] - np.append(events, -(10**9))[None, :]).min(axis=1)
    clear = strokes[gap >= export.CLEAR_FRAMES]
    near = (events[:, None] + np.array(AROUND)[None]).ravel()
    after = (clear[:, None] + np.array(AFTER_STROKE)[None]).ravel()
    return np.unique(np.concatenate([near, after]))


def simulated(
    recordings: int, seconds: float, variety: float, seed: int = 0
) -> list[dict[str, Sample]]:
    """Samples of as many simulated recordings of the side rig, each of its own hall."""
    from ttjax.sim.recording import SimulatedRecording, stream_key
    from ttjax.sim.sample import Hall

    hall, found = Hall(fps=(FPS, FPS), variety=variety), []
    random = np.random.default_rng(seed)
    for number in range(recordings):
        recording = SimulatedRecording(
            f"realism_{number}",
            stream_key(7, seed, number),
            hall,
            count=round(seconds * FPS),
            lead=int(random.integers(round(3 * FPS))),
        )
        labels = recording.frame_labels(())
        events = np.concatenate([*labels.events.values()])
        near = labelled_frames(events, recording.strokes)
        near = near[(near >= 0) & (near < recording.count)]
        seen = labels.ball_state[near] == VISIBLE
        xy_px = np.floor(labels.ball_xy_px[near]) + 0.5
        found.append(measure(near, xy_px, seen, labels.events))
    return found


def pooled(samples: Sequence[Samples]) -> dict[str, Sample]:
    """The samples of several clips together."""
    return {
        name: np.concatenate([each[name] for each in samples]) for name in QUANTITIES
    }


def compare(clips: Mapping[str, Samples], ours: Samples) -> dict[str, dict[str, float]]:
    """Per quantity: distance of ours to all clips, largest between two, their ratio.

    A clip without samples of a quantity takes no part in it.
    """
    found = {}
    for name in QUANTITIES:
        parts = [each[name] for each in clips.values() if len(each[name])]
        pairs = itertools.combinations(parts, 2)
        between = max(wasserstein(one, other) for one, other in pairs)
        distance = wasserstein(ours[name], np.concatenate(parts))
        found[name] = {
            "clips": float(np.concatenate(parts).mean()),
            "ours": float(ours[name].mean()),
            "distance": distance,
            "between_clips": between,
            "ratio": distance / max(between, 1e-12),
        }
    return found


def densities(sample: Sample, edges: Sample) -> list[tuple[float, float]]:
    """A histogram as points of a curve; its values sum to 1."""
    counts, _ = np.histogram(np.clip(sample, edges[0], edges[-1]), edges)
    middle = 0.5 * (edges[1:] + edges[:-1])
    shares = counts / max(counts.sum(), 1)
    return list(zip(middle.tolist(), shares.tolist(), strict=True))


def picture(
    clips: Mapping[str, Samples], ours: Samples, ratios: Mapping[str, Any]
) -> np.ndarray:
    """Every quantity's histogram: all clips together, each of them, the simulator."""
    from ttjax.train import curves

    together, plots = pooled(list(clips.values())), []
    for name, unit in QUANTITIES.items():
        both = np.concatenate([together[name], ours[name]])
        low, high = np.percentile(both, [0.5, 99.5])
        edges = np.linspace(low, max(high, low + 1e-6), 3 if high <= 1 else 33)
        series = {
            "clips": densities(together[name], edges),
            "simulated": densities(ours[name], edges),
        }
        title = f"{name} ({unit}): {ratios[name]['ratio']:.2f}"
        plots.append(curves.draw(series, title=title, x_label="", size_hw=SIZE_HW))
    rows_of = [plots[k : k + COLUMNS] for k in range(0, len(plots), COLUMNS)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows_of])


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, prints the table, writes rows and picture; 1 where a ratio is above."""
    parser = argparse.ArgumentParser(
        description="Simulated balls and events against labelled ones.",
        epilog="Ends with 1 where a ratio is above 1.5.",
    )
    parser.add_argument("data", type=pathlib.Path, help="folders of labels")
    parser.add_argument("--clips", nargs="+", default=list(CLIPS))
    parser.add_argument("--recordings", type=int, default=48)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--variety", type=float, default=1.0)
    parser.add_argument("--json", type=pathlib.Path, help="merges the rows into PATH")
    parser.add_argument("--plot", type=pathlib.Path, help="draws the histograms")
    options = parser.parse_args(argv)
    if len(options.clips) < 2:
        parser.error("Two clips or more are compared with: name them with --clips.")
    clips = {name: labelled(options.data / name) for name in options.clips}
    ours = pooled(simulated(options.recordings, options.seconds, options.variety))
    found = compare(clips, ours)
    measured = [
        {**rows.about("realism", f"simulator.realism.{name}"), "unit": unit}
        | found[name]
        for name, unit in QUANTITIES.items()
    ]
    rows.table(
        "Simulated against labelled",
        measured,
        ["unit", "clips", "ours", "distance", "between_clips", "ratio"],
    )
    rows.keep(options.json, measured)
    if options.plot:
        from ttjax.train import curves

        curves.write(options.plot, picture(clips, ours, found))
        print(f"wrote {options.plot}")
    return int(any(each["ratio"] > LIMIT for each in found.values()))


if __name__ == "__main__":
    sys.exit(main())
