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
from ttjax.scenes import Scene

Picture = UInt8[np.ndarray, "_ _ 3"]

EXAMPLES = 4
"""So many of a batch are drawn."""
FOUND: draw.Colour = (255, 214, 64)
LABEL: draw.Colour = (90, 255, 130)
LEAST_WIDTH = 640
"""Narrower pictures are enlarged by whole factors."""
LEAST_OKS = 0.1
"""Below this a pose and a label are not each other's."""


def pictures(
    batch: Scene, predictions: Predictions, *, stride: int, ball_threshold: float
) -> list[Picture]:
    """The first examples, in pixels of the network's picture, enlarged.

    Players that were found are tinted, each in his colour, and their skeletons yellow;
    labels are green: skeletons, and a cross at the ball, where a ring is around the
    answer. At each match of a pose with a label stands its OKS.
    """
    host: Any = jax.tree.map(
        lambda leaf: np.asarray(leaf)[:EXAMPLES], (batch, predictions)
    )
    scene, found = host
    return [
        picture(
            np.array(scene.image[index]),
            Guess.of_predictions(found, index, stride=stride),
            None if scene.labels is None else Truth.of_labels(scene.labels, index),
            ball_threshold=ball_threshold,
        )
        for index in range(len(scene.image))
    ]


def picture(
    image: Picture, guess: Guess, truth: Truth | None, *, ball_threshold: float
) -> Picture:
    """One example; all positions in pixels of the image."""
    factor = max(1, -(-LEAST_WIDTH // image.shape[1]))
    drawn = np.repeat(np.repeat(image, factor, axis=0), factor, axis=1)
    if guess.ids is not None:
        x, y = guess.to_source
        people.tint(drawn, guess.ids, to_source=(x * factor, y * factor))
    if truth is not None:
        labelled = (truth.joint_state > 0) & truth.joints_known
        for row in np.flatnonzero(truth.players):
            places = factor * truth.joints_px[row].astype(np.float64)
            people.skeleton(drawn, places, labelled[row], LABEL, 1)
    for row in range(len(guess.score)):
        places = factor * guess.joints_px[row]
        people.skeleton(drawn, places, guess.found[row], FOUND, 1)
    if truth is not None:
        _similarities(drawn, guess, truth, factor)
        if truth.ball_state == VISIBLE:
            draw.cross(drawn, factor * truth.ball_xy_px, 5 * factor, LABEL)
    if guess.ball_score >= ball_threshold:
        draw.circle(drawn, factor * guess.ball_px, 6 * factor, FOUND, 2)
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
    while table.size and table.max() >= LEAST_OKS:
        one, other = np.unravel_index(table.argmax(), table.shape)
        top = truth.joints_px[rows[other]][labelled[rows[other]]].min(axis=0)
        place = (float(factor * top[0]), float(factor * (top[1] - 3)))
        draw.text(drawn, f"{table[one, other]:.2f}", place, LABEL, size=0.8)
        table[one], table[:, other] = -1.0, -1.0
