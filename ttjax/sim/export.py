"""Simulated recordings as files in OpenTTGames' own format."""

import concurrent.futures
import dataclasses
import json
import pathlib
import threading
from collections.abc import Callable

import numpy as np

from ttjax.formats import openttgames
from ttjax.media.writer import VideoWriter
from ttjax.sim.recording import SimulatedRecording, setting, stream_key
from ttjax.sim.sample import Hall

STREAM = 6
"""Stream of keys of exported rallies; those of `Simulation` lie below."""
SETTINGS_FILE = "simulation.json"
"""Settings, camera, and the ball's blur in every frame, beside the labels."""
CLEAR_FRAMES = 8
"""An `empty_event` is a stroke this far from any bounce or net event."""


@dataclasses.dataclass(frozen=True)
class Export:
    """What to write; the same settings give the same files.

    quality: libx264's constant rate factor, 0 lossless, 51 worst.
    """

    seconds: float = 4.0
    seed: int = 0
    masks_every: int = 4
    quality: int = 20
    hall: Hall = Hall()

    def __post_init__(self):
        """Checks the ranges."""
        if round(self.seconds * self.hall.fps[0]) < 1:
            raise ValueError(
                f"A rally lasts at least one frame, got {self.seconds} s: "
                "set `--seconds`."
            )
        if self.masks_every < 1:
            raise ValueError(
                f"`--masks-every` is at least 1 frame, got {self.masks_every}."
            )

    def frames(self, number: int) -> int:
        """Frames of one rally: they may differ in rate."""
        return round(self.seconds * setting(self.hall, number)[2])

    def settings(self, number: int) -> dict:
        """What determines rally `number`, as JSON values."""
        values = json.loads(json.dumps(dataclasses.asdict(self)))
        return {"rally": number, **values}


def name_of(number: int) -> str:
    """`rally_0001` is the name of rally 0."""
    return f"rally_{number + 1:04d}"


def finished(root: pathlib.Path, number: int, export: Export) -> bool:
    """Whether the rally lies complete in `root`.

    Raises ValueError where it was made with other settings.
    """
    clip = openttgames.clip_files(root, name_of(number))
    path = clip.balls.parent / SETTINGS_FILE
    if not (clip.balls.is_file() and clip.video.is_file()):
        return False
    saved = json.loads(path.read_text()) if path.is_file() else {}
    if saved.get("settings") != export.settings(number):
        raise ValueError(
            f"{clip.balls.parent} was made with other settings than these: "
            "choose another directory or remove it."
        )
    return True


def _empty_events(recording: SimulatedRecording) -> np.ndarray:
    """Strokes far from bounces and net events: OpenTTGames' hard negatives."""
    strokes, events = recording.strokes, recording.frame_labels(()).events
    busy = np.concatenate([events["bounce"], events["net"], [-(10**9)]])
    gap = np.abs(strokes[:, None] - busy[None, :]).min(axis=1)
    return strokes[gap >= CLEAR_FRAMES]


def _about(recording: SimulatedRecording, settings: dict) -> dict:
    """What OpenTTGames' own files have no place for, as JSON values."""
    film = recording.scene.film
    return {
        "settings": settings,
        "label_convention": recording.label_convention,
        "rig": recording.rig,
        "fps": recording.fps,
        "exposure_s": float(film.exposure_s),
        "readout_s": float(film.readout_s),
        "blur_px": np.round(recording.blur_px.astype(float), 2).tolist(),
    }


def write_rally(
    root: pathlib.Path,
    number: int,
    export: Export,
    *,
    advance: Callable[[], None] = lambda: None,
    threads: int = 1,
    stop: threading.Event | None = None,
) -> openttgames.ClipFiles:
    """Renders and writes one rally; `advance` is called after every frame.

    The ball labels are written last, under their name only when complete: a clip
    without them is not finished. Raises InterruptedError once `stop` is set.
    """
    clip = openttgames.clip_files(root, name_of(number))
    recording = SimulatedRecording(
        clip.name,
        stream_key(STREAM, export.seed, number),
        export.hall,
        count=export.frames(number),
        number=number,
        threads=threads,
    )
    clip.balls.unlink(missing_ok=True)
    with VideoWriter(
        clip.video,
        fps=recording.fps,
        size_hw=recording.size_hw,
        quality=export.quality,
        threads=1,
    ) as video:
        for image in recording.frames():
            if stop is not None and stop.is_set():
                raise InterruptedError(f"{clip.video} was given up: another failed.")
            video.write(image)
            advance()
    labelled = range(0, recording.count, export.masks_every)
    labels = recording.frame_labels(())
    for frame, masks in recording.mask(labelled):
        openttgames.write_mask(clip.masks / f"{frame}.png", masks)
    events = {**labels.events, "empty_event": _empty_events(recording)}
    openttgames.write_events(clip.events, events)
    path = clip.balls.parent / SETTINGS_FILE
    path.write_text(json.dumps(_about(recording, export.settings(number))))
    balls = openttgames.Balls(
        np.arange(recording.count), labels.ball_xy_px, labels.ball_state
    )
    openttgames.write_balls(clip.balls, balls)
    return clip


def write(
    root: pathlib.Path,
    rallies: int,
    export: Export,
    *,
    workers: int = 2,
    advance: Callable[[], None] = lambda: None,
) -> list[int]:
    """Writes rallies 0 .. rallies - 1 that are not there yet; returns their numbers.

    `workers` rallies are made at once, by threads of this process. The first error
    stops all of them; what was finished stays.
    """
    root = pathlib.Path(root)
    root.mkdir(parents=True, exist_ok=True)
    missing = [n for n in range(rallies) if not finished(root, n, export)]
    stop = threading.Event()

    def one(number):
        try:
            write_rally(root, number, export, advance=advance, stop=stop)
        except BaseException:
            stop.set()
            raise

    with concurrent.futures.ThreadPoolExecutor(max(1, workers)) as pool:
        waiting = [pool.submit(one, number) for number in missing]
        try:
            concurrent.futures.wait(
                waiting, return_when=concurrent.futures.FIRST_EXCEPTION
            )
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
        if stop.is_set():
            pool.shutdown(cancel_futures=True)
        errors = [f.exception() for f in waiting if f.done() and not f.cancelled()]
        for error in sorted(
            filter(None, errors), key=lambda e: isinstance(e, InterruptedError)
        ):
            raise error
    return missing
