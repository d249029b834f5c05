"""TFDS builder of TrackNet-style clips, prepared and read without TensorFlow."""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow_datasets as tfds

# Absolute: TFDS also imports this file as a part of no package but its own.
from ttjax.datasets import stacks  # pyright: ignore[reportMissingImports]
from ttjax.datasets.tracknet import plans  # pyright: ignore[reportMissingImports]
from ttjax.formats import tracknet


@dataclasses.dataclass(eq=False)
class Config(tfds.core.BuilderConfig):
    """What a ball is that its labels mark as not visible.

    hidden_absent: not in the picture; otherwise unknown, for it may be behind a player.
    """

    hidden_absent: bool = False


class Builder(stacks.StackBuilder):
    """Windows of nine frames at two scales with the ball in every frame."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}  # noqa: RUF012
    BUILDER_CONFIGS = [  # noqa: RUF012
        Config(
            name="hidden_unknown",
            description="A ball marked not visible is unknown.",
        ),
        Config(
            name="hidden_absent",
            description="A ball marked not visible is absent.",
            hidden_absent=True,
        ),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "A folder of folders with <name>.mp4 and <name>.csv; folders called test… are "
        "for testing, without any the last sixth of them."
    )
    licence = "that of the clips"
    homepage = "https://nol.cs.nctu.edu.tw:234/open-source/TrackNet"
    pkg_dir_path = tfds.core.Path(pathlib.Path(__file__).parent)

    def _info(self) -> tfds.core.DatasetInfo:
        return self._stack_info(hidden_absent=self.builder_config.hidden_absent)

    def _plans(self, dl_manager: Any) -> Mapping[str, Sequence[stacks.Chosen]]:
        root = self._manual_dir(dl_manager)
        if root is None:
            raise FileNotFoundError(
                "TrackNet-style clips are not downloaded: pass `--manual_dir DIR`. "
                + self.MANUAL_DOWNLOAD_INSTRUCTIONS
            )
        entries = tracknet.find(root)
        found = self._tried(
            {
                entry.name: functools.partial(
                    plans.plan,
                    entry,
                    frames=self.settings.frames,
                    hidden_absent=self.builder_config.hidden_absent,
                )
                for entry in entries
            }
        )
        groups = plans.splits(sorted({entry.group for entry in entries}))
        return {
            split: [
                stacks.Chosen(number, found[entry.name], None)
                for number, entry in enumerate(entries)
                if entry.group in names and entry.name in found
            ]
            for split, names in groups.items()
        }
