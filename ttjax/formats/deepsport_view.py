"""A view of a DeepSport instant as its record tells of it, beside its labels.

The world is that of `ttjax.formats.deepsport`, in centimetres with z down.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

from ttjax.formats import deepsport
from ttjax.formats.deepsport import Instant, LabelError, Lens

COURT_CM: Mapping[str, tuple[float, float]] = {
    "FIBA": (2800.0, 1500.0),
    "NBA": (2865.12, 1524.0),
    "NCAA": (2865.12, 1524.0),
}
"""Length and width inside the lines, by the rules that are played by: FIBA rule 2.1;
NBA rule 1 and NCAA rule 1, 94 by 50 feet."""


@dataclasses.dataclass(frozen=True)
class View:
    """What one camera saw of an instant.

    lens: of the whole picture. step: every so many rows and columns of it are kept.
    """

    instant: Instant
    camera: int
    lens: Lens
    step: int = 1

    def __post_init__(self):
        """Checks the step.

        Raises:
            LabelError: it is not positive.
        """
        if self.step < 1:
            raise LabelError(
                f"Every `step`-th row is kept, from 1 on, got {self.step} of "
                f"{self.instant.view(self.camera)}: build the data set again."
            )

    @property
    def kept_lens(self) -> Lens:
        """The lens for pixels of the picture that is kept."""
        height, width = self.lens.size_hw
        shift = 0.5 - 0.5 / self.step
        shrink = np.array(
            [[1 / self.step, 0, shift], [0, 1 / self.step, shift], [0, 0, 1]]
        )
        return dataclasses.replace(
            self.lens,
            size_hw=(-(-height // self.step), -(-width // self.step)),
            matrix=shrink @ self.lens.matrix,
        )

    @property
    def court_cm(self) -> tuple[float, float] | None:
        """Length (x) and width (y) of the court; None by rules that are not known.

        Those of FIBA where none are stated, as everywhere in the published part.
        """
        return COURT_CM.get(self.instant.rules or "FIBA")

    @property
    def points_cm(self) -> Float64[np.ndarray, "n 4 3"]:
        """Head, hips and feet of the players of whom all four are annotated.

        In whichever camera's picture that was, in the order of annotation.
        """
        given = [
            (one.head_cm, one.hips_cm, one.foot1_cm, one.foot2_cm)
            for one in self.instant.players
        ]
        whole = [four for four in given if all(point is not None for point in four)]
        return np.array(whole, np.float64).reshape(len(whole), 4, 3)

    def json(self) -> str:
        """As `parse` brings it back."""
        return json.dumps(
            {
                "camera": self.camera,
                "step": self.step,
                "calibration": deepsport.lens_json(self.lens),
                "instant": deepsport.instant_json(self.instant),
            }
        )


def parse(about: str, of: str) -> View:
    """The view in what a record tells beside its labels; `of` names it in errors.

    Raises:
        LabelError: it is malformed.
    """
    try:
        raw: Any = json.loads(about)
        return View(
            instant=deepsport.parse_instant(raw["instant"]),
            camera=int(raw["camera"]),
            lens=deepsport.parse_lens(raw["calibration"], of),
            step=int(raw["step"]),
        )
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise LabelError(
            f"The record of a view has instant, camera, calibration and step, that of "
            f"{of} has not ({error!r}): build the data set again."
        ) from error
