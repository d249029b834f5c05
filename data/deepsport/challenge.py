"""The splits of the instance segmentation challenge: masks in COCO's layout."""

import functools
import pathlib
from collections.abc import Mapping, Sequence

from ttjax.datasets import pictures  # pyright: ignore[reportMissingImports]
from ttjax.datasets.coco_sport import (  # pyright: ignore[reportMissingImports]
    plans as coco_plans,
)
from ttjax.formats import coco

FILES = {"train": "train.json", "validation": "val.json", "test": "test.json"}

Bad = tuple[str, str]
"""Name and error of a picture whose annotations cannot be read."""


def splits(
    root: pathlib.Path, *, skip_bad: bool
) -> tuple[list[Bad], Mapping[str, Sequence[pictures.Plan]]]:
    """All pictures of the annotation files that are there.

    Raises:
        FileNotFoundError: there is none.
        ValueError: annotations cannot be read, and `skip_bad` is not set.
    """
    folder = root / "annotations" if (root / "annotations").is_dir() else root
    bad: list[Bad] = []
    found: dict[str, list[pictures.Plan]] = {}
    for split, name in FILES.items():
        if not (folder / name).is_file():
            continue
        found[split] = []
        for entry in coco.read(folder / name):
            try:
                picture = entry.picture()
            except ValueError as error:
                if not skip_bad:
                    raise
                bad.append((entry.file, str(error)))
                continue
            make = functools.partial(
                coco_plans.record,
                picture,
                root / picture.file,
                group=group_of(picture.file),
            )
            found[split].append(pictures.Plan(picture.file, make))
    if not found:
        raise FileNotFoundError(
            f"Annotations of the challenge are {', '.join(FILES.values())}, "
            f"{str(folder)!r} has none of them: fetch them."
        )
    return bad, found


def group_of(file: str) -> str:
    """The instant of a picture: all cameras' views of it belong together."""
    path = pathlib.PurePosixPath(file)
    return f"{path.parent}/{path.stem.partition('_')[2].partition('_')[0]}"
