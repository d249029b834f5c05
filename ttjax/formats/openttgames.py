"""OpenTTGames' own files: `<name>.mp4` beside `<name>/` with balls, events and masks.

`ball_markup.json`: `{"14": {"x": 506, "y": 523}, ...}`, keys are 0-based frames, a
ball that is not seen has a negative x or y, a frame without a key is not labelled.
`events_markup.json`: `{"18": "bounce", "33": "net", "58": "empty_event"}`.
`segmentation_masks/<frame>.png`: 320 x 128, 0 or 255 per channel: R table, G humans,
B scoreboard; channels may overlap.
Voeikov, Falaleev, Baikulov, "TTNet" (2020), https://lab.osai.ai.
"""

import dataclasses
import json
import pathlib
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, Int8, Int64, UInt8

from ttjax.formats import frame_table

KINDS = ("bounce", "net", "empty_event")
MASKS = ("table", "humans", "scoreboard")
MASK_HW = (128, 320)
BALL_FILE, EVENTS_FILE, MASKS_FOLDER = (
    "ball_markup.json",
    "events_markup.json",
    "segmentation_masks",
)
ABSENT, VISIBLE = 0, 1
"""The same numbers as in `ttjax.samples`."""


@dataclasses.dataclass(frozen=True)
class Balls:
    """Labelled frames, ascending; xy in source px (pixel *i* spans [i, i + 1))."""

    frames: Int64[np.ndarray, " n"]
    xy_px: Float32[np.ndarray, "n 2"]
    state: Int8[np.ndarray, " n"]


@dataclasses.dataclass(frozen=True)
class ClipFiles:
    """Where one clip lies. Any of the last three may not exist."""

    name: str
    video: pathlib.Path
    balls: pathlib.Path
    events: pathlib.Path
    masks: pathlib.Path


def centre_of_label(label: Int64[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n 2"]:
    """Integer labels are indices of pixels: the point is the pixel's centre, + 0.5."""
    return label.astype(np.float32) + np.float32(0.5)


def label_of_centre(xy_px: Float32[np.ndarray, "n 2"]) -> Int64[np.ndarray, "n 2"]:
    """Index of the pixel that holds a point: the inverse of `centre_of_label`."""
    return np.floor(xy_px).astype(np.int64)


def clip_files(root: pathlib.Path, name: str) -> ClipFiles:
    """The files of clip `name` in the directory `root`."""
    root = pathlib.Path(root)
    folder = root / name
    return ClipFiles(
        name,
        root / f"{name}.mp4",
        folder / BALL_FILE,
        folder / EVENTS_FILE,
        folder / MASKS_FOLDER,
    )


def find_clips(root: pathlib.Path) -> list[ClipFiles]:
    """All clips below `root` that have ball labels, by name.

    As this project, the site or other tools lay them out: `<name>.mp4` lies in the
    folder or in one below it such as `videos/`, the labels in a folder `<name>`, also
    below another such as `annotations/`.

    Raises:
        FileNotFoundError: `root` is no directory or holds no clip.
        ValueError: labels without a video, or two files of one name.
    """
    root = pathlib.Path(root)
    if not root.is_dir():
        raise FileNotFoundError(
            f"OpenTTGames data is a directory of clips, {root} is none: "
            "pass `--data DIR`."
        )
    labels = [path.parent for path in sorted(root.rglob(BALL_FILE))]
    if not labels:
        raise FileNotFoundError(
            f"No clip in {root}: expected <name>.mp4 and {BALL_FILE} in a folder "
            "<name> (`python -m ttjax.sim export DIR` makes such)."
        )
    found: dict[str, list[pathlib.Path]] = {}
    for path in sorted(root.rglob("*.mp4")):
        found.setdefault(path.stem, []).append(path)
    clips: dict[str, ClipFiles] = {}
    for folder in labels:
        name, videos = folder.name, found.get(folder.name, [])
        twice = videos if name not in clips else [clips[name].balls.parent, folder]
        if len(twice) > 1:
            raise ValueError(
                f"A clip has one video and one folder of labels, {name!r} has "
                f"{twice[0]} and {twice[1]}: move one away."
            )
        if not videos:
            raise ValueError(
                f"Every clip in {root} has a video, {name!r} has no video: put "
                f"{name}.mp4 beside {folder}."
            )
        files = clip_files(folder.parent, name)
        clips[name] = dataclasses.replace(files, video=videos[0])
    return [clips[name] for name in sorted(clips)]


def read_balls(path: pathlib.Path, size_hw: tuple[int, int] | None = None) -> Balls:
    """Parses `ball_markup.json`.

    Raises:
        ValueError: it breaks the convention, or has a ball outside the picture where
            `size_hw` is given.
    """
    rows = []
    for number, point in frame_table.read(path).items():
        if (
            not isinstance(point, dict)
            or set(point) != {"x", "y"}
            or not all(type(value) is int for value in point.values())
        ):
            raise ValueError(
                f'{path}: frame {number} must be {{"x": int, "y": int}}, got {point!r}.'
            )
        if size_hw and (point["x"] >= size_hw[1] or point["y"] >= size_hw[0]):
            raise ValueError(
                f"{path}: balls lie in their picture of {size_hw[1]} x {size_hw[0]} "
                f"px, frame {number} has {point['x']}, {point['y']}: are these the "
                "labels of this video?"
            )
        rows.append((number, point["x"], point["y"]))
    table = np.array(rows, np.int64).reshape(-1, 3)
    seen = (table[:, 1:] >= 0).all(axis=1)
    return Balls(
        frames=table[:, 0],
        xy_px=centre_of_label(table[:, 1:]),
        state=np.where(seen, VISIBLE, ABSENT).astype(np.int8),
    )


def read_events(path: pathlib.Path) -> dict[str, Int64[np.ndarray, " n"]]:
    """Parses `events_markup.json`: every kind with its frames, ascending."""
    frames: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for number, kind in frame_table.read(path).items():
        if not isinstance(kind, str) or kind not in frames:
            raise ValueError(
                f"{path}: events are one of {KINDS}, frame {number} has {kind!r}."
            )
        frames[kind].append(number)
    return {kind: np.array(at, np.int64) for kind, at in frames.items()}


def mask_files(folder: pathlib.Path) -> dict[int, pathlib.Path]:
    """Frame number -> mask file."""
    paths = sorted(pathlib.Path(folder).glob("*.png"))
    return dict(
        sorted((frame_table.frame_number(path, path.stem), path) for path in paths)
    )


def read_mask(
    path: pathlib.Path, size_hw: tuple[int, int] | None = None
) -> UInt8[np.ndarray, "h w 3"]:
    """0/1 masks, channels named `MASKS`.

    Raises:
        ValueError: a value of the file is neither 0 nor 255, or its size is another
            than `size_hw`.
    """
    import cv2

    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} is missing or no image.")
    if size_hw and image.shape[:2] != size_hw:
        raise ValueError(
            f"{path}: masks are {size_hw[1]} x {size_hw[0]} px (w x h), got "
            f"{image.shape[1]} x {image.shape[0]}: was it scaled?"
        )
    if not np.isin(image, (0, 255)).all():
        raise ValueError(
            f"{path}: masks hold 0 or 255 in each channel (R table, G humans, "
            f"B scoreboard), got values such as {np.unique(image)[1:4].tolist()}: was "
            "it scaled or stored as JPEG?"
        )
    # OpenCV reads BGR, the convention counts the file's channels as RGB.
    return np.ascontiguousarray(image[..., ::-1] // 255)


def write_balls(path: pathlib.Path, balls: Balls) -> None:
    """Writes `ball_markup.json`; balls that are not seen become -1, -1."""
    labels = label_of_centre(balls.xy_px)
    labels = np.where((balls.state == VISIBLE)[:, None], labels, -1)
    content = {
        str(int(number)): {"x": int(x), "y": int(y)}
        for number, (x, y) in zip(balls.frames, labels, strict=True)
    }
    frame_table.write(path, json.dumps(content).encode())


def write_events(
    path: pathlib.Path, events: Mapping[str, Int64[np.ndarray, " n"]]
) -> None:
    """Writes `events_markup.json`.

    Where kinds share a frame the first of `KINDS` stays.
    """
    unknown = set(events) - set(KINDS)
    if unknown:
        raise ValueError(f"Events are of the kinds {KINDS}, got {sorted(unknown)}.")
    content: dict[int, str] = {}
    for kind in KINDS:
        for number in events.get(kind, ()):
            content.setdefault(int(number), kind)
    ordered = {str(number): content[number] for number in sorted(content)}
    frame_table.write(path, json.dumps(ordered).encode())


def write_mask(path: pathlib.Path, masks: UInt8[np.ndarray, "h w 3"]) -> None:
    """Writes 0/1 masks (table, humans, scoreboard) as one PNG."""
    import cv2

    done, data = cv2.imencode(".png", np.ascontiguousarray(masks[..., ::-1] * 255))
    if not done:
        raise ValueError(f"OpenCV cannot encode masks of shape {masks.shape} as PNG.")
    frame_table.write(path, data.tobytes())
