"""People, their joints and masks, and balls, as COCO writes them.

`read` takes `person_keypoints_*.json` and `instances_*.json`, or one file that holds
both, and any other file of this layout: what a category is, its name says. Joints are
indices of pixels there: index i names the pixel whose centre is i + 0.5 here. Boxes and
polygons are continuous already.
"""

import collections
import dataclasses
import json
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Int8

from ttjax.formats import rle

PEOPLE, BALLS = frozenset(("person", "human")), frozenset(("sports ball",))
"""Names of categories: of COCO and of the DeepSport challenge."""
PERSON_ID, BALL_ID = 1, 37
"""Of COCO's categories, as `write` names them."""
JOINTS = 17
STATES = UNLABELLED, HIDDEN, SEEN = 0, 1, 2
"""Of a joint."""
_LEAST_NUMBERS = 6
"""Of a polygon."""


class LabelError(ValueError):
    """Annotations that are malformed, or that contradict their picture."""


@dataclasses.dataclass(frozen=True)
class Person:
    """A person, or a crowd of people who are not told apart.

    box_px: x0 y0 x1 y1. joints_px: (0, 0) where not labelled.
    segmentation: polygons, or run lengths; see `mask`.
    """

    id: int
    box_px: Float32[np.ndarray, " 4"]
    joints_px: Float32[np.ndarray, "17 2"]
    joint_state: Int8[np.ndarray, " 17"]
    crowd: bool
    area_px2: float
    segmentation: Any

    @property
    def joints(self) -> int:
        """How many are labelled."""
        return int((self.joint_state != UNLABELLED).sum())


@dataclasses.dataclass(frozen=True)
class Ball:
    """A ball, or a region with many of them (`crowd`)."""

    id: int
    box_px: Float32[np.ndarray, " 4"]
    crowd: bool
    area_px2: float
    segmentation: Any


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture with all that is annotated in it.

    joints_known, balls_known: whether the file annotates any at all.
    """

    id: int
    file: str
    size_hw: tuple[int, int]
    people: tuple[Person, ...]
    balls: tuple[Ball, ...]
    joints_known: bool = True
    balls_known: bool = True


@dataclasses.dataclass(frozen=True)
class Entry:
    """A picture whose annotations are not parsed yet."""

    id: int
    file: str
    size_hw: tuple[int, int]
    people: tuple[Mapping[str, Any], ...]
    balls: tuple[Mapping[str, Any], ...]
    joints_known: bool
    balls_known: bool

    def picture(self) -> Picture:
        """Parses the annotations.

        Raises:
            LabelError: a box without area, a joint or an area that is no number, or no
                mask.
        """
        return Picture(
            id=self.id,
            file=self.file,
            size_hw=self.size_hw,
            people=tuple(_person(one, self) for one in self.people),
            balls=tuple(Ball(**_thing(one, self)) for one in self.balls),
            joints_known=self.joints_known,
            balls_known=self.balls_known,
        )


def read(people: pathlib.Path, balls: pathlib.Path | None = None) -> tuple[Entry, ...]:
    """All pictures of these files, in the order of their ids.

    People are those of the first file, balls those of both.

    Raises:
        LabelError: a file is none of this layout, or an annotation is of no picture.
    """
    images: dict[int, tuple[str, tuple[int, int]]] = {}
    found: dict[str, dict[int, list[Any]]] = {
        "people": collections.defaultdict(list),
        "balls": collections.defaultdict(list),
    }
    knows = {"joints": False, "balls": False}
    seen: set[Any] = set()
    for path in [people] if balls is None else [people, balls]:
        content = _content(path)
        for image in content["images"]:
            number, about = _image(image, path)
            if images.setdefault(number, about) != about:
                raise LabelError(f"{path}: picture {number} is two different ones.")
        names = {one.get("id"): one.get("name") for one in content["categories"]}
        wanted = {key: "people" for key, name in names.items() if name in PEOPLE}
        wanted = wanted if path == people else {}
        if path == people and not wanted:
            raise LabelError(
                f"A category is called {' or '.join(sorted(PEOPLE))}, those of {path} "
                f"are {sorted(map(str, names.values()))[:5]}: give the file of people."
            )
        wanted |= {key: "balls" for key, name in names.items() if name in BALLS}
        knows["balls"] |= "balls" in wanted.values()
        for one in content["annotations"]:
            kind = wanted.get(one.get("category_id"))
            name = (kind, one.get("id"))
            if kind is None or (name in seen and kind == "balls"):
                continue
            if one.get("image_id") not in images or name in seen:
                raise LabelError(
                    f"An annotation has an id of its own and a picture, {path} has "
                    f"{one.get('id')!r} of picture {one.get('image_id')!r}."
                )
            seen.add(name)
            found[kind][one["image_id"]].append(one)
            knows["joints"] |= "keypoints" in one
    return tuple(
        Entry(
            id=number,
            file=file,
            size_hw=size_hw,
            people=tuple(found["people"].get(number, ())),
            balls=tuple(found["balls"].get(number, ())),
            joints_known=knows["joints"],
            balls_known=knows["balls"],
        )
        for number, (file, size_hw) in sorted(images.items())
    )


def write(path: pathlib.Path, pictures: Iterable[Picture]) -> None:
    """Writes pictures that `read` brings back."""
    images, annotations = [], []
    people: dict[str, Any] = {"id": PERSON_ID, "name": "person"}
    categories = [people]
    for picture in pictures:
        size = {"height": picture.size_hw[0], "width": picture.size_hw[1]}
        images.append({"id": picture.id, "file_name": picture.file, **size})
        if picture.balls_known and len(categories) == 1:
            categories.append({"id": BALL_ID, "name": "sports ball"})
        for one in (*picture.people, *picture.balls):
            x0, y0, x1, y1 = map(float, one.box_px)
            written = {
                "id": one.id,
                "image_id": picture.id,
                "category_id": PERSON_ID if isinstance(one, Person) else BALL_ID,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": one.area_px2,
                "iscrowd": int(one.crowd),
                "segmentation": one.segmentation,
            }
            if isinstance(one, Person) and picture.joints_known:
                labelled = one.joint_state[:, None] != UNLABELLED
                places = np.where(labelled, one.joints_px - 0.5, 0.0)
                rows = np.concatenate([places, one.joint_state[:, None]], axis=1)
                written["keypoints"] = rows.reshape(-1).tolist()
                written["num_keypoints"] = one.joints
            annotations.append(written)
    content = {"images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(content), encoding="utf-8")


def mask(segmentation: Any, size_hw: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    """The pixels of run lengths, or of polygons as COCO's own code fills them.

    Raises:
        rle.MaskError: it is malformed.
        ModuleNotFoundError: polygons without the extra `coco`.
    """
    if isinstance(segmentation, Mapping):
        return rle.decode(segmentation, size_hw)
    if not isinstance(segmentation, list) or not segmentation:
        raise rle.MaskError(
            f"A mask is polygons or run lengths, got {str(segmentation)[:60]}."
        )
    for polygon in segmentation:
        whole = isinstance(polygon, list) and len(polygon) >= _LEAST_NUMBERS
        if not whole or len(polygon) % 2 or not all(map(_is_number, polygon)):
            raise rle.MaskError(
                "A polygon has x and y of three points or more, got "
                f"{str(polygon)[:60]}."
            )
    try:
        from pycocotools import mask as filled
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Polygons are filled by pycocotools: install the extra `coco`."
        ) from error
    parts = filled.frPyObjects(segmentation, *size_hw)
    return rle.decode(filled.merge(parts), size_hw)


def shows_people_or_ball(picture: Picture) -> bool:
    """Whether somebody has a labelled joint, or there is a ball: the paper's choice."""
    return bool(picture.balls) or any(one.joints for one in picture.people)


def is_kept_by_release(picture: Picture) -> bool:
    """Each person covers less than 1 % or has more than 5 joints: the released code."""
    share = 0.01 * math.prod(picture.size_hw)
    return all(
        one.crowd or one.area_px2 < share or one.joints > 5 for one in picture.people
    )


def is_kept_by_paper(picture: Picture) -> bool:
    """No person covers more than 10 %: the paper's text."""
    share = 0.10 * math.prod(picture.size_hw)
    return all(one.crowd or one.area_px2 <= share for one in picture.people)


def _content(path: pathlib.Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise LabelError(f"{path} is a JSON file, it is not: {error}.") from error
    for name in ("images", "annotations", "categories"):
        rows = content.get(name) if isinstance(content, dict) else None
        if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
            raise LabelError(
                f"Files of COCO's layout have lists of images, annotations and "
                f"categories, {path} lacks {name}: give another file."
            )
    return content


def _image(image: Mapping[str, Any], path: pathlib.Path) -> tuple[int, Any]:
    numbers: list[Any] = [image.get(name) for name in ("id", "height", "width")]
    name = image.get("file_name")
    if not all(isinstance(n, int) for n in numbers) or not isinstance(name, str):
        raise LabelError(
            f"A picture has id, file_name, height and width, {path} has "
            f"{str(dict(image))[:80]}."
        )
    number, height, width = (int(n) for n in numbers if n is not None)
    return number, (name, (height, width))


def _thing(raw: Mapping[str, Any], entry: Entry) -> dict[str, Any]:
    """What people and balls have both."""
    place = f"annotation {raw.get('id')!r} of {entry.file!r}"
    box: Any = raw.get("bbox")
    area: Any = raw.get("area")
    whole = isinstance(box, Sequence) and len(box) == 4 and all(map(_is_number, box))
    if not whole or not _is_number(area):
        raise LabelError(
            f"Boxes are four numbers and areas one, {place} has {str(box)[:60]} and "
            f"{area!r}: correct it, or leave this picture out (`--skip-bad`)."
        )
    x, y, width, height = map(float, box)
    if width <= 0 or height <= 0:
        raise LabelError(
            f"A box has an area, {place} is {width:g} x {height:g} px: correct it, or "
            "leave this picture out (`--skip-bad`)."
        )
    if not raw.get("segmentation"):
        raise LabelError(
            f"Each annotation has a mask, {place} has none: correct it, or leave this "
            "picture out (`--skip-bad`)."
        )
    return {
        "id": raw["id"],
        "box_px": np.array([x, y, x + width, y + height], np.float32),
        "crowd": bool(raw.get("iscrowd", 0)),
        "area_px2": float(area),
        "segmentation": raw["segmentation"],
    }


def _person(raw: Mapping[str, Any], entry: Entry) -> Person:
    thing = _thing(raw, entry)
    given = raw.get("keypoints", [0] * (3 * JOINTS))
    whole = isinstance(given, Sequence) and len(given) == 3 * JOINTS
    rows = np.zeros((JOINTS, 3))
    if whole and all(isinstance(v, int | float) for v in given):
        rows = np.array(given, np.float64).reshape(JOINTS, 3)
    else:
        whole = False
    state = rows[:, 2]
    labelled = state != UNLABELLED
    if (
        not whole
        or not np.isin(state, STATES).all()
        or not np.isfinite(rows[labelled]).all()
    ):
        raise LabelError(
            f"Keypoints are {JOINTS} times x, y and 0, 1 or 2, all finite, annotation "
            f"{raw['id']!r} of {entry.file!r} has {str(given)[:60]}: correct it, or "
            "leave this picture out (`--skip-bad`)."
        )
    return Person(
        joints_px=np.where(labelled[:, None], rows[:, :2] + 0.5, 0.0).astype(
            np.float32
        ),
        joint_state=state.astype(np.int8),
        **thing,
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
