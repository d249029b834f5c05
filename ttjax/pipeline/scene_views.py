"""Which part of a picture is looked at, and how large; labels move along."""

import dataclasses

import numpy as np
from jaxtyping import Float, Float32, UInt8

from ttjax import scenes
from ttjax.formats import scene_record
from ttjax.samples import ABSENT, VISIBLE
from ttjax.scenes import Scene, SceneLabels, SceneSpec


@dataclasses.dataclass(frozen=True)
class View:
    """A rectangle of whole pixels of a picture, shown at another size.

    corner_xy, region_hw: of the rectangle. shown_hw: its size afterwards.
    """

    corner_xy: tuple[int, int]
    region_hw: tuple[int, int]
    shown_hw: tuple[int, int]

    @property
    def scale(self) -> Float32[np.ndarray, " 2"]:
        """Shown px per px of the picture, (x, y)."""
        shown = np.array(self.shown_hw[::-1], np.float32)
        return shown / np.array(self.region_hw[::-1], np.float32)

    def move(self, points: Float[np.ndarray, "*n 2"]) -> Float32[np.ndarray, "*n 2"]:
        """Points of the picture -> points of what is shown."""
        corner = np.array(self.corner_xy, np.float32)
        return ((points - corner) * self.scale).astype(np.float32)


def whole(size_hw: tuple[int, int], spec: SceneSpec) -> View:
    """All of a picture, shrunk until it fits."""
    height, width = spec.fitted_hw(size_hw)
    return View((0, 0), size_hw, (max(height, 1), max(width, 1)))


def drawn(
    rng: np.random.Generator,
    facts: scene_record.Facts,
    spec: SceneSpec,
    *,
    zoom: float,
    near: float,
) -> View:
    """A part of a picture, up to `zoom` times larger than it would be as a whole.

    The scale is drawn log-uniformly and never enlarges. With probability `near` the
    part has a person or the ball in it, anywhere; else it is anywhere in the picture.
    """
    height, width = (int(side) for side in facts.size_hw)
    fit = min(1.0, spec.image_hw[0] / height, spec.image_hw[1] / width)
    scale = min(1.0, fit * float(np.exp(rng.uniform(0, np.log(zoom)))))
    size = np.array([width, height])
    room = np.array(spec.image_hw[::-1])
    region = np.clip(np.floor(room / scale).astype(int), 1, size)
    shown = np.clip(np.round(region * scale).astype(int), 1, room)
    corner = np.floor(rng.random(2) * (size - region + 1)).astype(int)
    targets = [0.5 * (box[:2] + box[2:]) for box in facts.box_px[facts.players]]
    if facts.ball_state == VISIBLE:
        targets.append(facts.ball_xy_px)
    share, place, pick = rng.random(), rng.random(2), rng.random()
    if targets and share < near:
        target = targets[int(pick * len(targets))]
        corner = np.clip(np.floor(target - place * (region - 1)), 0, size - region)
        corner = corner.astype(int)
    return View(
        (int(corner[0]), int(corner[1])),
        (int(region[1]), int(region[0])),
        (int(shown[1]), int(shown[0])),
    )


def show(picture: scene_record.Picture, view: View, spec: SceneSpec) -> Scene:
    """The scene that a view of a picture gives.

    Pixels are averaged, ids are those at the pixels' centres. People whose box is
    outside are left out, and their rows with them; joints outside are not labelled; a
    ball outside is absent.

    Raises:
        ValueError: more people are left than there are rows.
    """
    (x, y), (rows, columns) = view.corner_xy, view.region_hw
    h, w = view.shown_hw
    image = np.zeros((*spec.image_hw, 3), np.uint8)
    image[:h, :w] = _resized(picture.image[y : y + rows, x : x + columns], (h, w))
    down, across = (
        ((np.arange(shown) + 0.5) * source / shown).astype(int)
        for shown, source in ((h, rows), (w, columns))
    )
    near = picture.ids[y : y + rows, x : x + columns][down[:, None], across[None]]
    labels = _labels(picture.facts, view, spec)
    ids = np.zeros(spec.image_hw, np.uint8)
    ids[:h, :w] = _names(picture.facts, view)[near]
    return Scene(
        image=image,
        valid_hw=np.array([h, w], np.int32),
        labels=labels.replace(ids=ids),  # pyright: ignore[reportAttributeAccessIssue]
    )


def labels_of(picture: scene_record.Picture) -> SceneLabels:
    """The labels of a picture as it is, with a row for each person, or an empty one."""
    height, width = (int(side) for side in picture.facts.size_hw)
    spec = SceneSpec((height, width), max(1, len(picture.facts.players)))
    labels = _labels(picture.facts, whole((height, width), spec), spec)
    return labels.replace(  # pyright: ignore[reportAttributeAccessIssue]
        ids=picture.ids
    )


def _inside(facts: scene_record.Facts, view: View) -> np.ndarray:
    """Which rows' boxes reach into the view."""
    corners = view.move(facts.box_px.reshape(-1, 2, 2))
    size = np.array(view.shown_hw[::-1])
    return np.all((corners[:, 1] > 0) & (corners[:, 0] < size), axis=1)


def _names(facts: scene_record.Facts, view: View) -> UInt8[np.ndarray, " 256"]:
    """Old ids -> new ones, for the rows that are left move up."""
    names = np.full(256, scenes.BACKGROUND, np.uint8)
    names[[scenes.BALL_ID, scenes.IGNORED]] = scenes.BALL_ID, scenes.IGNORED
    kept = np.flatnonzero(_inside(facts, view))
    names[kept + 1] = np.arange(len(kept)) + 1
    return names


def _labels(facts: scene_record.Facts, view: View, spec: SceneSpec) -> SceneLabels:
    kept = _inside(facts, view)
    count, n, k = int(kept.sum()), spec.players, len(scenes.JOINTS)
    if count > n:
        raise ValueError(
            f"Each person has a row, {facts.name!r} shows {count} and there are {n} "
            f"rows: set `players={count}`."
        )
    size = np.array(view.shown_hw[::-1])
    joints = view.move(facts.joints_px[kept])
    labelled = (facts.joint_state[kept] != scenes.UNLABELLED) & (
        (joints >= 0) & (joints < size)
    ).all(axis=-1)
    ball = view.move(facts.ball_xy_px)
    seen = facts.ball_state == VISIBLE
    gone = seen and not ((ball >= 0) & (ball < size)).all()
    state = ABSENT if gone else facts.ball_state
    visible = seen and not gone
    diameter = facts.ball_diameter_px * np.sqrt(view.scale.prod()) if visible else 0.0

    def filled(rows: np.ndarray, *shape: int) -> np.ndarray:
        whole = np.zeros((n, *shape), rows.dtype)
        whole[:count] = rows
        return whole

    return SceneLabels(
        ids=np.zeros((1, 1), np.uint8),
        masks_known=np.array(facts.masks_known),
        players=filled(facts.players[kept]),
        crowd=filled(facts.crowd[kept]),
        box_px=filled(
            view.move(facts.box_px[kept].reshape(-1, 2, 2)).reshape(-1, 4), 4
        ),
        joints_px=filled(np.where(labelled[..., None], joints, np.float32(0)), k, 2),
        joint_state=filled(
            np.where(labelled, facts.joint_state[kept], np.int8(scenes.UNLABELLED)), k
        ),
        joints_known=np.array(facts.joints_known),
        ball_xy_px=ball if visible else np.zeros(2, np.float32),
        ball_state=np.array(state, np.int8),
        ball_diameter_px=np.array(diameter, np.float32),
    )


def _resized(
    image: UInt8[np.ndarray, "h w 3"], size_hw: tuple[int, int]
) -> UInt8[np.ndarray, "h2 w2 3"]:
    import cv2

    if image.shape[:2] == size_hw:
        return image
    small = cv2.resize(image, size_hw[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)
