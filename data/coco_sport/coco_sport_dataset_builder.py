"""TFDS builder of COCO's people and balls, prepared and read without TensorFlow."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import tensorflow_datasets as tfds

# Absolute: TFDS also imports this file as a part of no package but its own.
from ttjax.datasets import (  # pyright: ignore[reportMissingImports]
    options,
    pictures,
    workers,
)
from ttjax.datasets.coco_sport import plans  # pyright: ignore[reportMissingImports]
from ttjax.formats import coco

FILTERS = {
    "released": coco.is_kept_by_release,
    "paper": coco.is_kept_by_paper,
    "every": None,
}
"""Configuration -> which pictures are kept for training."""


@dataclasses.dataclass(eq=False)
class Config(tfds.core.BuilderConfig):
    """Which pictures are kept: its name is a key of `FILTERS`."""


class Builder(pictures.PictureBuilder):
    """COCO 2017 with joints, masks and balls."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}  # noqa: RUF012
    BUILDER_CONFIGS = [  # noqa: RUF012
        Config(
            name="released",
            description="Each person covers < 1 % of the picture or has > 5 joints.",
        ),
        Config(name="paper", description="No person covers > 10 % of the picture."),
        Config(name="every", description="No filter of sizes."),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "A folder with annotations/person_keypoints_train2017.json and "
        "instances_train2017.json, the same of val2017, and the pictures in train2017/ "
        "and val2017/, as COCO distributes them; one of the two sets is enough."
    )
    licence = (
        "annotations CC BY 4.0; pictures under the terms of their owners on Flickr"
    )
    homepage = "https://cocodataset.org"
    pkg_dir_path = tfds.core.Path(pathlib.Path(__file__).parent)

    def _info(self) -> tfds.core.DatasetInfo:
        return self._picture_info(filter=self.builder_config.name)

    def _plans(self, root: pathlib.Path) -> Mapping[str, Sequence[pictures.Plan]]:
        found: dict[str, list[pictures.Plan]] = {}
        skip_bad = options.current().skip_bad
        for split, name in plans.SETS.items():
            people = root / "annotations" / f"person_keypoints_{name}.json"
            balls = root / "annotations" / f"instances_{name}.json"
            if not people.is_file():
                continue
            if not balls.is_file():
                raise FileNotFoundError(
                    f"Balls are in {balls.name}, there is none beside {people}: fetch "
                    "both."
                )
            # The paper's count of validation pictures is that without a filter.
            kept = FILTERS[self.builder_config.name] if split == "train" else None
            chosen = plans.choose(coco.read(people, balls), kept, skip_bad=skip_bad)
            self._skipped += [workers.Skipped(*one) for one in chosen.bad]
            print(chosen.report(split))
            found[split] = [plans.plan(one, root / name) for one in chosen.kept]
        if not found:
            raise FileNotFoundError(
                f"{str(root)!r} has no annotations of COCO. "
                + self.MANUAL_DOWNLOAD_INSTRUCTIONS
            )
        return found
