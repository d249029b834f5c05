"""TFDS builder of DeepSport's instants, prepared and read without TensorFlow."""

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
from ttjax.datasets.deepsport import (  # pyright: ignore[reportMissingImports]
    challenge,
    plans,
)
from ttjax.formats import deepsport


@dataclasses.dataclass(eq=False)
class Config(tfds.core.BuilderConfig):
    """What is read, and how large.

    step: every so many rows and columns are kept.
    challenge: the masks of the segmentation challenge, without instants.
    """

    step: int = 1
    challenge: bool = False


class Builder(pictures.PictureBuilder):
    """Views of basketball instants."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}  # noqa: RUF012
    BUILDER_CONFIGS = [  # noqa: RUF012
        Config(name="full", description="Pictures as they are, for training."),
        Config(
            name="halved",
            description="Every second row and column, as the paper evaluates.",
            step=2,
        ),
        Config(
            name="challenge",
            description="Splits and masks of the instance segmentation challenge.",
            challenge=True,
        ),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "The unpacked archive of deepsportradar/basketball-instants-dataset from "
        "Kaggle; for the configuration `challenge` also its train.json, val.json and "
        "test.json, beside the pictures or in annotations/."
    )
    licence = "CC BY-NC-ND 4.0"
    homepage = (
        "https://www.kaggle.com/datasets/deepsportradar/basketball-instants-dataset"
    )
    pkg_dir_path = tfds.core.Path(pathlib.Path(__file__).parent)

    def _info(self) -> tfds.core.DatasetInfo:
        return self._picture_info(step=self.builder_config.step)

    def _plans(self, root: pathlib.Path) -> Mapping[str, Sequence[pictures.Plan]]:
        config = self.builder_config
        if config.challenge:
            bad, found = challenge.splits(root, skip_bad=options.current().skip_bad)
            self._skipped += [workers.Skipped(*one) for one in bad]
            return found
        return plans.splits(deepsport.read(root), root, step=config.step)
