"""What was found, as COCO takes it: one list of people with their masks and joints.

`[{"image_id", "category_id": 1, "segmentation", "keypoints", "score"}, …]`, as
pycocotools' `loadRes` reads it for both keypoints and masks; boxes and areas it takes
from the masks.
"""

import json
import pathlib
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Any

import numpy as np
from jaxtyping import Bool

from ttjax.formats import rle
from ttjax.formats.coco import PERSON_ID


def person(
    image_id: int,
    score: float,
    joints: Mapping[str, Sequence[Any]],
    names: Sequence[str],
    mask: Bool[np.ndarray, "h w"] | None = None,
) -> dict[str, Any]:
    """A person who was found.

    joints: `{name: [x, y, score]}` in px, pixel i spans [i, i + 1). COCO counts from
        pixel centres: its coordinates are a half less. Those that are missing in
        `names`' order become 0, 0, 0.
    """
    flat: list[float] = []
    for name in names:
        x, y, confidence = joints.get(name, (0.5, 0.5, 0.0))
        flat += [round(x - 0.5, 2), round(y - 0.5, 2), confidence]
    entry: dict[str, Any] = {"image_id": image_id, "category_id": PERSON_ID}
    if mask is not None:
        entry["segmentation"] = rle.encode(mask)
    return entry | {"keypoints": flat, "score": score}


class Writer:
    """A file of results, written while they come; memory does not grow with it.

    A context manager. What is there when the block is left, even by an error, is a
    whole JSON file.
    """

    def __init__(self, path: pathlib.Path):
        """Opens nothing yet."""
        self.path = path
        self.people = 0
        self._file: IO[str] | None = None

    def write(self, people: Sequence[Mapping[str, Any]]) -> None:
        """Appends people of a picture; outside of the block this raises ValueError."""
        if self._file is None:
            raise ValueError(
                f"{self.path} is written within a `with` block, got people outside."
            )
        for one in people:
            self._file.write(",\n" if self.people else "\n")
            json.dump(one, self._file, allow_nan=False)
            self.people += 1

    def __enter__(self) -> "Writer":
        """Opens the file.

        Raises:
            OSError: it cannot be written.
        """
        self._file = self.path.open("w", encoding="utf-8")
        self._file.write("[")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Completes the file."""
        assert self._file is not None
        with self._file as file:
            file.write("\n]\n")
        self._file = None
