"""Scenes as pictures: what was found, beside what is there."""

from typing import Any

import jax
import numpy as np
from jaxtyping import UInt8

from ttjax.deepsportlab import poses
from ttjax.deepsportlab.arrays import Predictions
from ttjax.deepsportlab.guess import Guess
from ttjax.deepsportlab.truth import Truth
from ttjax.media import draw, people
from ttjax.samples import VISIBLE
from ttjax.scenes import IGNORED, Scene, SourceLabels

Picture = UInt8[np.ndarray, "_ _ 3"]

EXAMPLES = 4
"""So many of a batch are drawn."""
FOUND: draw.Colour = (255, 80, 190)
LABEL: draw.Colour = (90, 255, 130)
LEAST_WIDTH = 640
"""Narrower pictures are enlarged by whole factors."""
LEAST_OKS = 0.1
"""Below this a pose and a label are not each other's."""


def pictures(
    batch: Scene, predictions: Predictions, *, stride: int, ball_threshold: float
) -> list[Picture]:
    """The first examples, in pixels of the network's picture, enlarged.

    Players that were found are tinted, each in his colour, their skeletons and the ring
    around the ball are `FOUND`. Labels are `LABEL`: outlines of masks, skeletons, and a
    cross at the ball. At each match of a pose with a label stands its OKS.

    Predictions are in source px: in a batch without `to_source` the pictures are the
    source, of any size, and their labels may be `SourceLabels`.
    """
    host: Any = jax.tree.map(
        lambda leaf: np.asarray(leaf)[:EXAMPLES], (batch, predictions)
    )
    scene, found = host
    return [
        picture(
            np.array(scene.image[index]),
            Guess.of_predictions(found, index, stride=stride),
            _truth(scene.labels, index),
            ball_threshold=ball_threshold,
        )
        for index in range(len(scene.image))
    ]


def _truth(labels: Any, index: int) -> Truth | None:
    if isinstance(labels, SourceLabels):
        return Truth.of_source(labels, index)
    return None if labels is None else Truth.of_labels(labels, index)


def picture(
    image: Picture, guess: Guess, truth: Truth | None, *, ball_threshold: float
) -> Picture:
    """One example; all positions in pixels of the image."""
    factor = max(1, -(-LEAST_WIDTH // image.shape[1]))
    drawn = np.repeat(np.repeat(image, factor, axis=0), factor, axis=1)
    size = draw.scale(drawn)
    width = max(1, round(size))
    if guess.ids is not None:
        x, y = guess.to_source
        enlarged = (x * factor, y * factor)
        people.tint(drawn, guess.ids, to_source=enlarged, stride=guess.stride)
    if truth is not None:
        if truth.ids is not None:
            known = np.where(truth.ids == IGNORED, 0, truth.ids)
            x, y = truth.to_source
            people.outline(drawn, known, LABEL, to_source=(x * factor, y * factor))
        labelled = (truth.joint_state > 0) & truth.joints_known
        for row in np.flatnonzero(truth.players):
            places = factor * truth.joints_px[row].astype(np.float64)
            people.skeleton(drawn, places, labelled[row], LABEL, width)
    for row in range(len(guess.score)):
        places = factor * guess.joints_px[row]
        people.skeleton(drawn, places, guess.found[row], FOUND, width)
    if truth is not None:
        _similarities(drawn, guess, truth, factor)
        if truth.ball_state == VISIBLE:
            draw.cross(drawn, factor * truth.ball_xy_px, 10 * size, LABEL)
    if guess.ball_score >= ball_threshold:
        draw.circle(drawn, factor * guess.ball_px, 12 * size, FOUND, 2)
    if truth is not None:
        draw.text(drawn, "found", (12 * size, 26 * size), FOUND, size=0.8)
        draw.text(drawn, "truth, OKS", (12 * size, 48 * size), LABEL, size=0.8)
    return drawn


def _similarities(drawn: Picture, guess: Guess, truth: Truth, factor: int) -> None:
    """OKS at the head of each player whose label a pose answers best."""
    labelled = (truth.joint_state > 0) & truth.joints_known
    rows = np.flatnonzero(truth.players & labelled.any(axis=1))
    if not rows.size or not len(guess.score):
        return
    table = poses.oks(
        guess.joints_px,
        guess.found,
        truth.joints_px[rows],
        labelled[rows],
        area_px=truth.area_px[rows],
        box_px=truth.box_px[rows],
    )
    size = draw.scale(drawn)
    while table.size and table.max() >= LEAST_OKS:
        one, other = np.unravel_index(table.argmax(), table.shape)
        points = truth.joints_px[rows[other]][labelled[rows[other]]]
        x, y = factor * points[points[:, 1].argmin()]
        place = (float(x - 16 * size), float(y - 12 * size))
        draw.text(drawn, f"{table[one, other]:.2f}", place, LABEL, size=0.8)
        table[one], table[:, other] = -1.0, -1.0
