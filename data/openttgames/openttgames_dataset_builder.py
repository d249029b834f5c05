"""TFDS builder of OpenTTGames, prepared and read without TensorFlow."""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow_datasets as tfds

# Absolute: TFDS also imports this file as a part of no package but its own.
from ttjax.datasets import (  # pyright: ignore[reportMissingImports]
    extraction,
    stacks,
)
from ttjax.datasets.openttgames import (  # pyright: ignore[reportMissingImports]
    fetching,
    plans,
)


@dataclasses.dataclass(eq=False)
class Config(tfds.core.BuilderConfig):
    """Which windows there are, and what is held out for validation.

    pairs: one record per event and window, as the paper counts, instead of one per
        window with the nearest event of each kind.
    by_game: hold out whole recordings instead of runs of windows.
    frames: of one record.
    """

    pairs: bool = False
    by_game: bool = False
    frames: int = 9


class Builder(stacks.StackBuilder):
    """Windows of frames at two scales with ball, events and masks."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}  # noqa: RUF012
    BUILDER_CONFIGS = [  # noqa: RUF012
        Config(
            name="windows",
            description="One record per labelled frame; validation by runs of windows.",
        ),
        Config(
            name="windows_by_game",
            description="One record per labelled frame; validation by recording.",
            by_game=True,
        ),
        Config(
            name="windows_17",
            description="17 frames a record: windows of 9 at every or every other one.",
            frames=17,
        ),
        Config(
            name="paper_pairs",
            description="One record per event and window, counted as in the paper.",
            pairs=True,
        ),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "A folder with <name>.mp4 and <name>/ball_markup.json, events_markup.json and "
        "segmentation_masks/<frame>.png of every clip."
    )
    licence = "CC BY-NC-SA 4.0"
    homepage = "https://lab.osai.ai"
    pkg_dir_path = tfds.core.Path(pathlib.Path(__file__).parent)

    @property
    def settings(self) -> extraction.Settings:  # pyright: ignore[reportIncompatibleVariableOverride]
        """How windows are cut: as many frames as the config says."""
        return extraction.Settings(frames=self.builder_config.frames)

    def _info(self) -> tfds.core.DatasetInfo:
        return self._stack_info(pairs=self.builder_config.pairs)

    def _plans(self, dl_manager: Any) -> Mapping[str, Sequence[stacks.Chosen]]:
        root = self._manual_dir(dl_manager)
        if root is None:
            pins = pathlib.Path(self.pkg_dir_path) / "checksums.tsv"
            root = fetching.fetch(pathlib.Path(dl_manager.download_dir), pins)
        config = self.builder_config
        found = self._tried(
            {
                files.name: functools.partial(
                    plans.plan,
                    files,
                    frames=self.settings.frames,
                    pairs=config.pairs,
                    by_game=config.by_game,
                )
                for files in plans.locate(root)
            }
        )
        splits = plans.splits(found, config.by_game)
        if config.pairs:
            print(plans.beside_the_paper(splits, found))
        return {
            split: [
                stacks.Chosen(number, found[clip], groups)
                for number, (clip, groups) in enumerate(chosen.items())
            ]
            for split, chosen in splits.items()
        }
