"""What builders of stacks share: features, resumable extraction, splits, the report."""

import abc
import dataclasses
import json
import pathlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from ttjax.formats import stack_file, stack_record

from . import extraction, options, workers

SKIPPED_FILE = "skipped.json"
_CLIP_STRIDE = 10**7
"""More than the windows of any clip: keys count through all clips in order."""


def features(settings: extraction.Settings) -> tfds.features.FeaturesDict:
    """Of a record of `ttjax.formats.stack_record`; images are files, as bytes."""
    t, e = settings.frames, len(stack_record.EVENTS)

    def array(dtype: Any, *shape: int) -> tfds.features.Tensor:
        # The default encoding widens small integers to 64 bits.
        return tfds.features.Tensor(shape=shape, dtype=dtype, encoding="bytes")

    image = tfds.features.Tensor(shape=(), dtype=np.object_)
    return tfds.features.FeaturesDict(
        {
            "clip": image,
            "frame": tfds.features.Scalar(dtype=np.int64),
            "frames": tfds.features.Sequence(image),
            "canvas": tfds.features.Sequence(image),
            "canvas_xy": array(np.int32, 2),
            "source_hw": array(np.int32, 2),
            "ball_xy_px": array(np.float32, t, 2),
            "ball_state": array(np.int8, t),
            "event_offset": array(np.float32, e),
            "event_known": array(np.bool_, e),
            "masks": image,
            "group": image,
            "kind": array(np.int8),
        }
    )


@dataclasses.dataclass(frozen=True)
class Chosen:
    """The windows of one clip that belong to a split: those of some groups, or all."""

    number: int
    plan: extraction.Plan
    groups: frozenset[str] | None

    def holds(self, group: str) -> bool:
        """Whether windows of this group belong to the split."""
        return self.groups is None or group in self.groups


class StackBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Extracts clips one by one, resumably, and writes their records in order.

    Subclasses say which splits there are and what plans they are made of.
    """

    settings = extraction.Settings()
    licence: str
    homepage: str

    def __init__(self, *, file_format: Any = None, **arguments: Any):
        """As TFDS does it, but for the format, which TensorFlow is not needed for."""
        super().__init__(file_format=file_format or "array_record", **arguments)

    @abc.abstractmethod
    def _plans(self, dl_manager: Any) -> Mapping[str, Sequence[Chosen]]:
        """Split -> clips, after whatever must be downloaded."""

    def _stack_info(self, **more: Any) -> tfds.core.DatasetInfo:
        """The description; the metadata say what a reader of records must know."""
        facts = {
            "licence": self.licence,
            "events": list(stack_record.EVENTS),
            "masks": list(stack_record.MASKS),
            "frames": self.settings.frames,
            "frame_hw": list(stack_record.FRAME_HW),
            "canvas_hw": list(self.settings.canvas_hw),
            **more,
        }
        return self.dataset_info_from_configs(
            features=features(self.settings),
            disable_shuffling=True,
            license=self.licence,
            homepage=self.homepage,
            metadata=tfds.core.MetadataDict(facts),
        )

    def download_and_prepare(self, **arguments: Any) -> None:
        """As TFDS does it; kept records of clips go when the data set is complete."""
        self._skipped: list[workers.Skipped] = []
        self._kept: pathlib.Path | None = None
        config = arguments.get("download_config")
        self._manual = config.manual_dir if config else None
        super().download_and_prepare(**arguments)
        if self._kept is None:
            return
        shutil.rmtree(self._kept)
        for one in self._skipped:
            print(f"left out {one.clip}: {one.error}")
        report = [dataclasses.asdict(one) for one in self._skipped]
        (pathlib.Path(self.data_path) / SKIPPED_FILE).write_text(json.dumps(report))

    def _manual_dir(self, dl_manager: Any) -> pathlib.Path | None:
        """The folder of files that are there already, where there is one.

        Raises:
            FileNotFoundError: one was named that is none.
        """
        if self._manual is not None and not pathlib.Path(self._manual).is_dir():
            raise FileNotFoundError(
                f"`--manual_dir` is a folder of clips, {self._manual} is none."
            )
        try:
            return pathlib.Path(dl_manager.manual_dir)
        except AssertionError:  # what TFDS raises where there is no such folder
            return None

    def _tried(
        self, clips: Mapping[str, Callable[[], extraction.Plan]]
    ) -> dict[str, extraction.Plan]:
        """The plans of all clips whose labels can be read; see `Options.skip_bad`."""
        found = {}
        for name, make in clips.items():
            try:
                found[name] = make()
            except (ValueError, OSError) as error:
                if not options.current().skip_bad:
                    raise
                self._skipped.append(workers.Skipped(name, str(error)))
        return found

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        splits = self._plans(dl_manager)
        root = pathlib.Path(dl_manager.download_dir) / "stacks"
        config = self.builder_config.name if self.builder_config else ""
        folder = root / self.name / config
        folder.mkdir(parents=True, exist_ok=True)
        self._kept = folder
        plans = {one.plan.clip: one.plan for all_ in splits.values() for one in all_}
        if not options.current().beam:
            self._skipped += workers.extract(
                folder,
                list(plans.values()),
                self.settings,
                workers=options.current().workers,
                skip_bad=options.current().skip_bad,
            )
        left_out = {one.clip for one in self._skipped}
        return {
            split: self._generate_examples(folder, whole)
            for split, chosen in splits.items()
            if (whole := [one for one in chosen if one.plan.clip not in left_out])
        }

    def _generate_examples(self, folder: pathlib.Path, chosen: Sequence[Chosen]) -> Any:
        """Keys and records; with Beam a collection of them that its workers make."""
        if options.current().beam:
            import apache_beam as beam  # pyright: ignore[reportMissingImports]

            return beam.Create(list(chosen)) | beam.FlatMap(
                examples, folder=folder, settings=self.settings
            )
        return (
            example
            for one in chosen
            for example in examples(one, folder=folder, settings=self.settings)
        )


def examples(
    chosen: Chosen, *, folder: pathlib.Path, settings: extraction.Settings
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Key and record of the chosen windows of a clip; extracts it if need be."""
    path = extraction.fill(folder, chosen.plan, settings)
    for index, record in enumerate(stack_file.read(path)):
        if chosen.holds(record["group"].decode()):
            yield chosen.number * _CLIP_STRIDE + index, record
