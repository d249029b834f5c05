"""DeepSport's basketball instants, in the layout of their distribution.

A folder holds `basketball-instants-dataset.json`, a list of instants, and for each view
of one

    <arena>/<game>/camcourt<camera + 1>_<timestamp>_<offset in ms>.png   the pictures
    <arena>/<game>/camcourt<camera + 1>_<timestamp>.json                 the calibration
    <arena>/<game>/camcourt<camera + 1>_<timestamp>_humans.png           masks, 16 bits

The world is in centimetres from the far left corner of the court, with z down. Pixels
are indices there: index i names the pixel whose centre is i + 0.5 here.
"""

import dataclasses
import json
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64

INSTANTS_FILE = "basketball-instants-dataset.json"
BALL_DIAMETER_CM = 23.0
"""As the paper's evaluation has it."""
TEST_ARENAS = ("KS-FR-CAEN", "KS-FR-LIMOGES", "KS-FR-ROANNE")
"""Fold A of the paper, which is the test set of the DeepSport challenge too."""

Point = Float64[np.ndarray, " 3"] | None


class LabelError(ValueError):
    """Labels that are malformed, or that contradict their picture."""


@dataclasses.dataclass(frozen=True)
class Lens:
    """A calibration, with the fields of `ttjax.geometry.calibration.Calibration`."""

    size_hw: tuple[int, int]
    matrix: Float64[np.ndarray, "3 3"]
    rotation: Float64[np.ndarray, "3 3"]
    translation: Float64[np.ndarray, " 3"]
    distortion: Float64[np.ndarray, " 5"]


@dataclasses.dataclass(frozen=True)
class Ball:
    """A ball, annotated in the picture of one camera."""

    centre_cm: Float64[np.ndarray, " 3"]
    camera: int
    visible: bool = True
    state: str = ""


@dataclasses.dataclass(frozen=True)
class Player:
    """Points of a player, annotated in the picture of one camera; None: not given."""

    head_cm: Point
    hips_cm: Point
    foot1_cm: Point
    foot2_cm: Point
    camera: int
    team: str = ""
    foot1_at_the_ground: bool = True
    foot2_at_the_ground: bool = True


@dataclasses.dataclass(frozen=True)
class Instant:
    """A moment of a game, seen by several cameras."""

    arena: str
    game: int
    timestamp: int
    cameras: int
    offsets: tuple[int, ...]
    has_masks: bool
    balls: tuple[Ball, ...] = ()
    players: tuple[Player, ...] = ()
    rules: str = "FIBA"

    @property
    def name(self) -> str:
        """Unique among all instants."""
        return f"{self.arena}/{self.game}/{self.timestamp}"

    def view(self, camera: int) -> str:
        """The path of a view below the folder, without its endings."""
        return f"{self.arena}/{self.game}/camcourt{camera + 1}_{self.timestamp}"

    def picture_file(self, root: pathlib.Path, camera: int) -> pathlib.Path:
        """The picture at the instant itself."""
        return root / f"{self.view(camera)}_{self.offsets[0]}.png"

    def calibration_file(self, root: pathlib.Path, camera: int) -> pathlib.Path:
        """The calibration of a view."""
        return root / f"{self.view(camera)}.json"

    def humans_file(self, root: pathlib.Path, camera: int) -> pathlib.Path:
        """The masks of a view, where `has_masks`."""
        return root / f"{self.view(camera)}_humans.png"


def read(root: pathlib.Path) -> tuple[Instant, ...]:
    """All instants of a folder, in the order of their names.

    Raises:
        FileNotFoundError: there is no list of instants.
        LabelError: it is malformed, or an instant comes twice.
    """
    path = root / INSTANTS_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"A folder of instants holds {INSTANTS_FILE}, {str(root)!r} does not: give "
            "the folder where the archive was unpacked (`--manual-dir DIR`)."
        )
    listed = _json(path)
    if not isinstance(listed, list):
        raise LabelError(f"{path} is a list of instants, it is none.")
    found: dict[str, Instant] = {}
    for one in listed:
        instant = parse_instant(one)
        if instant.name in found:
            raise LabelError(f"{path}: instant {instant.name!r} comes twice.")
        found[instant.name] = instant
    return tuple(found[name] for name in sorted(found))


def write(root: pathlib.Path, instants: Iterable[Instant]) -> None:
    """Writes the list of instants."""
    listed = [instant_json(one) for one in instants]
    (root / INSTANTS_FILE).write_text(json.dumps(listed), encoding="utf-8")


def parse_instant(raw: Any) -> Instant:
    """An instant from its JSON values.

    Raises:
        LabelError: something is missing or malformed.
    """
    try:
        arena, game = str(raw["arena_label"]), int(raw["game_id"])
        place = f"instant {arena}/{game}/{raw['timestamp']}"
        marks = raw.get("annotations") or []
        kinds = [mark.get("type") for mark in marks]
        if not set(kinds) <= {"ball", "player"}:
            raise LabelError(f"Annotations are of ball or player, {place}: {kinds}.")
        return Instant(
            arena=arena,
            game=game,
            timestamp=int(raw["timestamp"]),
            cameras=int(raw["num_cameras"]),
            offsets=tuple(int(offset) for offset in raw["offsets"]) or (0,),
            has_masks=bool(raw.get("annotated_human_masks", False)),
            balls=tuple(
                _ball(m, place)
                for m, k in zip(marks, kinds, strict=True)
                if k == "ball"
            ),
            players=tuple(
                _player(m, place)
                for m, k in zip(marks, kinds, strict=True)
                if k == "player"
            ),
            rules=str(raw.get("rule_type", "")),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise LabelError(
            f"An instant has arena_label, game_id, timestamp, num_cameras, offsets and "
            f"annotations, this one has not ({error!r}): {str(raw)[:80]}."
        ) from error


def instant_json(instant: Instant) -> dict[str, Any]:
    """JSON values that `parse_instant` brings back."""
    balls = [
        {
            "type": "ball",
            "center": one.centre_cm.tolist(),
            "image": one.camera,
            "visible": one.visible,
            "state": one.state,
        }
        for one in instant.balls
    ]
    players = [
        {
            "type": "player",
            "team": one.team,
            "image": one.camera,
            "foot1_at_the_ground": one.foot1_at_the_ground,
            "foot2_at_the_ground": one.foot2_at_the_ground,
            **{
                name: None if point is None else point.tolist()
                for name in ("head", "hips", "foot1", "foot2")
                for point in [getattr(one, f"{name}_cm")]
            },
        }
        for one in instant.players
    ]
    return {
        "arena_label": instant.arena,
        "game_id": instant.game,
        "timestamp": instant.timestamp,
        "num_cameras": instant.cameras,
        "offsets": list(instant.offsets),
        "rule_type": instant.rules,
        "annotated_human_masks": instant.has_masks,
        "annotations": [*balls, *players],
    }


def read_lens(path: pathlib.Path) -> Lens:
    """The calibration of a view.

    Raises:
        LabelError: it is malformed.
    """
    content = _json(path)
    if not isinstance(content, dict) or "calibration" not in content:
        raise LabelError(f"{path} has a `calibration`, it has none.")
    return parse_lens(content["calibration"], str(path))


def write_lens(path: pathlib.Path, lens: Lens) -> None:
    """Writes the calibration of a view."""
    content = {"calibration": lens_json(lens)}
    path.write_text(json.dumps(content), encoding="utf-8")


def parse_lens(raw: Any, of: str) -> Lens:
    """A calibration from its JSON values; `of` names it in errors.

    Both spellings are read: img_width, img_height, KK, and width, height, K.

    Raises:
        LabelError: it is malformed.
    """
    raw = raw if isinstance(raw, Mapping) else {}
    width, height = (
        _numbers(raw.get(f"img_{name}", raw.get(name)), 1, f"{name} of {of}")
        for name in ("width", "height")
    )
    matrix = _numbers(raw.get("KK", raw.get("K")), 9, f"KK of {of}").reshape(3, 3)
    return Lens(
        size_hw=(int(height[0]), int(width[0])),
        matrix=_HALF @ matrix,
        rotation=_numbers(raw.get("R"), 9, f"R of {of}").reshape(3, 3),
        translation=_numbers(raw.get("T"), 3, f"T of {of}"),
        distortion=_numbers(raw.get("kc"), 5, f"kc of {of}"),
    )


def lens_json(lens: Lens) -> dict[str, Any]:
    """JSON values that `parse_lens` brings back."""
    return {
        "img_width": lens.size_hw[1],
        "img_height": lens.size_hw[0],
        "KK": (np.linalg.inv(_HALF) @ lens.matrix).reshape(-1).tolist(),
        "R": lens.rotation.reshape(-1).tolist(),
        "T": lens.translation.tolist(),
        "kc": lens.distortion.tolist(),
    }


_HALF = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]], np.float64)
"""Index -> pixel: centres of pixels are half integers."""


def _ball(raw: Mapping[str, Any], place: str) -> Ball:
    return Ball(
        centre_cm=_numbers(raw["center"], 3, f"the ball's centre of {place}"),
        camera=int(raw["image"]),
        visible=bool(raw.get("visible", True)),
        state=str(raw.get("state") or ""),
    )


def _player(raw: Mapping[str, Any], place: str) -> Player:
    points = {
        f"{name}_cm": None
        if raw.get(name) is None
        else _numbers(raw[name], 3, f"a player's {name} of {place}")
        for name in ("head", "hips", "foot1", "foot2")
    }
    return Player(
        camera=int(raw["image"]),
        team=str(raw.get("team") or ""),
        foot1_at_the_ground=bool(raw.get("foot1_at_the_ground", True)),
        foot2_at_the_ground=bool(raw.get("foot2_at_the_ground", True)),
        **points,
    )


def _numbers(value: Any, count: int, what: str) -> Float64[np.ndarray, " n"]:
    listed = value if isinstance(value, Sequence) and value else [value]
    good = len(listed) == count and not isinstance(value, str)
    if not good or not all(
        isinstance(one, int | float) and math.isfinite(one) for one in listed
    ):
        raise LabelError(
            f"{count} finite numbers, {what}: got {str(value)[:60]}. Correct it, or "
            "leave this out (`--skip-bad`)."
        )
    return np.array(listed, np.float64)


def _json(path: pathlib.Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise LabelError(f"{path} is a JSON file, it is not: {error}.") from error
