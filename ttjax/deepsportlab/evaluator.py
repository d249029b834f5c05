"""Scores of DeepSportLab's three tasks, from small records of each picture."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ttjax.deepsportlab import scores
from ttjax.deepsportlab.arrays import Predictions
from ttjax.deepsportlab.ball_detection import BallDetection
from ttjax.deepsportlab.comparison import Comparison, Measure
from ttjax.deepsportlab.errors import JointErrors
from ttjax.deepsportlab.guess import Guess
from ttjax.deepsportlab.mask_precision import MaskPrecision
from ttjax.deepsportlab.occlusion import Occlusion
from ttjax.deepsportlab.panoptic import PanopticQuality
from ttjax.deepsportlab.profiles import Joints, Legacy, Standard
from ttjax.deepsportlab.scores import Statistic, ratio
from ttjax.deepsportlab.truth import Truth
from ttjax.scenes import SceneLabels, SourceLabels

Swap = Callable[[Guess, Truth], Guess]
"""What is put in the place of a guess: an oracle of `oracles`."""


@dataclasses.dataclass(frozen=True)
class Truncation:
    """How often a capacity of the decoder was too small."""

    def record(self, pair: Comparison) -> bool:
        """Whether it was in this picture."""
        return pair.guess.truncated

    def statistics(self, records: Sequence[bool | None]) -> dict[str, Statistic]:
        """`truncated`: the share of such pictures."""
        flags = [float(bool(one)) for one in records]
        return {"truncated": ratio(flags, [1.0] * len(flags))}


BALL: tuple[Measure, ...] = (BallDetection(),)
MASKS: tuple[Measure, ...] = (PanopticQuality(), MaskPrecision(), Occlusion())
POSES: tuple[Measure, ...] = (Joints(), Legacy(), Standard(), JointErrors())
EVERY: tuple[Measure, ...] = (*BALL, *MASKS, *POSES, Truncation())


@dataclasses.dataclass
class Evaluator:
    """Scores predictions by the labels of the same pictures, in source px.

    measures: what is scored; leave out those of heads that are switched off.
    stride: `Predictions.ids` are every `stride`-th row and column of the image.
    swap: replaces a part of every guess by the truth before it is scored.

    Masks are compared at the pixels of the predicted map: true ids are looked up there.
    What is unknown is ignored everywhere, and so is what lies outside of a truth's map.
    Intervals are over pictures. Nothing that is kept grows with the pixels.
    """

    measures: tuple[Measure, ...] = EVERY
    stride: int = 1
    swap: Swap | None = None
    _records: list[tuple[Any, ...]] = dataclasses.field(
        default_factory=list, repr=False
    )

    def add(
        self,
        predictions: Predictions,
        labels: SceneLabels | SourceLabels | Sequence[Truth],
        *,
        clip: str,
    ) -> None:
        """Adds a batch of pictures of `clip`.

        labels: `SceneLabels` in pixels of the network's image; `SourceLabels` or truths
            in source px, of pictures of any size.

        Raises:
            ValueError: another number of predictions than of labels, or maps of sizes
                that do not belong together.
        """
        guess: Any = jax.tree.map(np.asarray, predictions)
        if isinstance(labels, SourceLabels):
            known: Any = jax.tree.map(np.asarray, labels)
            rows = range(len(known.scene.players))
            labels = [Truth.of_source(known, index) for index in rows]
        scenes = isinstance(labels, SceneLabels)
        count = len(labels.players) if scenes else len(labels)
        if count != len(guess.present):
            raise ValueError(
                "Every picture needs a prediction and a label, got "
                f"{len(guess.present)} predictions for {count} labels of {clip!r}: add "
                "both batch by batch."
            )
        truths = self._truths(guess, labels, clip) if scenes else labels
        for index, truth in enumerate(truths):
            one = Guess.of_predictions(guess, index, stride=self.stride)
            self.add_picture(one, truth)

    def add_picture(self, guess: Guess, truth: Truth) -> None:
        """Adds one picture."""
        if self.swap is not None:
            guess = self.swap(guess, truth)
        pair = Comparison(truth, guess)
        self._records.append(tuple(one.record(pair) for one in self.measures))

    def merge(self, other: "Evaluator") -> "Evaluator":
        """The evaluator of both sets of pictures.

        Raises:
            ValueError: the other measures something else.
        """
        if other.measures != self.measures:
            raise ValueError(
                "Evaluators merge where they measure the same, got "
                f"{self.measures} and {other.measures}."
            )
        return dataclasses.replace(self, _records=[*self._records, *other._records])

    def table(self) -> dict[str, dict[str, float]]:
        """`{metric: {"value", "n", "baseline", "low", "high"}}`.

        Metrics without a sample are left out, and so are fields that make no sense: the
        baseline is the score of the best constant predictor, low and high bound the
        95 % interval over pictures, from three pictures on.
        """
        statistics: dict[str, Statistic] = {}
        for column, measure in enumerate(self.measures):
            kept = [record[column] for record in self._records]
            if any(record is not None for record in kept):
                statistics |= measure.statistics(kept)
        return scores.entries(statistics, len(self._records))

    def rows(self) -> list[dict[str, Any]]:
        """The table as a list of `{"metric": name, "value": …}`, for printing."""
        return [{"metric": name, **entry} for name, entry in self.table().items()]

    def _truths(self, guess: Any, labels: SceneLabels, clip: str) -> list[Truth]:
        """Labels in source px: predictions say how large a pixel is."""
        known: Any = jax.tree.map(np.asarray, labels)
        if guess.ids is not None:
            size = known.ids[:, :: self.stride, :: self.stride].shape[1:]
            if size != guess.ids.shape[1:]:
                raise ValueError(
                    f"Of {known.ids.shape[1:]} labelled pixels every {self.stride}. is "
                    f"predicted, got maps of {guess.ids.shape[1:]} for {clip!r}: set "
                    "`stride`."
                )
        scales = np.asarray(guess.to_source, np.float64) / self.stride
        return [
            Truth.of_labels(known, index, scale=(float(x), float(y)))
            for index, (x, y) in enumerate(scales)
        ]
