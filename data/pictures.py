"""What builders of pictures of people share: features, masks to rows, the report."""

import abc
import concurrent.futures
import dataclasses
import functools
import json
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from jaxtyping import Bool, Float32, UInt8

from ttjax.formats import picture_file, scene_record

from . import options, workers

SKIPPED_FILE = "skipped.json"
MOST_PEOPLE = "most_people"
"""Key of the metadata: split -> most rows of a picture, and that picture's name."""
_AHEAD = 8
"""Pictures per worker that are made before they are written."""


def features() -> tfds.features.FeaturesDict:
    """Of a record of `ttjax.formats.scene_record`; pictures are files, as bytes."""
    text = tfds.features.Tensor(shape=(), dtype=np.object_)
    arrays = {
        name: tfds.features.Tensor(shape=shape, dtype=kind, encoding="bytes")
        for name, (kind, shape) in scene_record.ARRAYS.items()
    }
    scalars = {
        "masks_known": np.bool_,
        "joints_known": np.bool_,
        "ball_state": np.int8,
        "ball_diameter_px": np.float32,
    }
    return tfds.features.FeaturesDict(
        {
            **dict.fromkeys(("name", "group", "image", "ids", "about"), text),
            **arrays,
            **{
                name: tfds.features.Tensor(shape=(), dtype=kind, encoding="bytes")
                for name, kind in scalars.items()
            },
        }
    )


@dataclasses.dataclass(frozen=True)
class Plan:
    """A picture of a split; `make` reads it and gives its record."""

    name: str
    make: Callable[[], dict[str, Any]]


class PictureBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Writes the records of pictures in order.

    Subclasses say which splits there are and what they are made of.
    """

    licence: str
    homepage: str

    def __init__(self, *, file_format: Any = None, **arguments: Any):
        """As TFDS does it, but for the format, which TensorFlow is not needed for."""
        super().__init__(file_format=file_format or "array_record", **arguments)

    @abc.abstractmethod
    def _plans(self, root: pathlib.Path) -> Mapping[str, Sequence[Plan]]:
        """Split -> pictures, of the folder of files that are there."""

    def _picture_info(self, **more: Any) -> tfds.core.DatasetInfo:
        """The description; the metadata say what a reader of records must know."""
        facts = {"licence": self.licence, MOST_PEOPLE: {}, **more}
        return self.dataset_info_from_configs(
            features=features(),
            disable_shuffling=True,
            license=self.licence,
            homepage=self.homepage,
            metadata=tfds.core.MetadataDict(facts),
        )

    def download_and_prepare(self, **arguments: Any) -> None:
        """As TFDS does it; pictures that were left out are listed at the end."""
        self._skipped: list[workers.Skipped] = []
        self._made = False
        config = arguments.get("download_config")
        self._manual = config.manual_dir if config else None
        super().download_and_prepare(**arguments)
        if not self._made:
            return
        self._skipped.sort(key=lambda one: one.clip)
        for one in self._skipped:
            print(f"left out {one.clip}: {one.error}")
        report = [dataclasses.asdict(one) for one in self._skipped]
        (pathlib.Path(self.data_path) / SKIPPED_FILE).write_text(json.dumps(report))

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        if self._manual is None or not pathlib.Path(self._manual).is_dir():
            raise FileNotFoundError(
                f"These pictures are not downloaded, {self._manual} is no folder of "
                f"them: pass `--manual_dir DIR`. {self.MANUAL_DOWNLOAD_INSTRUCTIONS}"
            )
        self._made = True
        plans = self._plans(pathlib.Path(self._manual))
        return {
            split: self._generate_examples(split, chosen)
            for split, chosen in plans.items()
            if chosen
        }

    def _generate_examples(
        self, split: str, chosen: Sequence[Plan]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Keys and records; several are made at once, and come in order."""
        most = (0, "")
        for number, record in enumerate(self._records(chosen)):
            if record is None:
                continue
            most = max(most, (len(record["players"]), record["name"]))
            yield number, record
        metadata: Any = self.info.metadata
        metadata[MOST_PEOPLE][split] = list(most)

    def _records(self, chosen: Sequence[Plan]) -> Iterator[dict[str, Any] | None]:
        chosen_options = options.current()  # of this thread alone
        count = chosen_options.workers
        make = functools.partial(self._record, skip_bad=chosen_options.skip_bad)
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            ahead = count * _AHEAD
            for begin in range(0, len(chosen), ahead):
                yield from pool.map(make, chosen[begin : begin + ahead])

    def _record(self, plan: Plan, *, skip_bad: bool) -> dict[str, Any] | None:
        try:
            return plan.make()
        except (ValueError, OSError) as error:
            if not skip_bad:
                raise
            self._skipped.append(workers.Skipped(plan.name, str(error)))
            return None


@dataclasses.dataclass
class Rows:
    """The people, crowds and balls of a picture, gathered for its record."""

    size_hw: tuple[int, int]
    name: str

    def __post_init__(self):
        """Nobody is there yet."""
        self._values: list[int] = []
        self._masks: list[np.ndarray] = []
        self._rows: list[tuple[bool, np.ndarray, np.ndarray, np.ndarray]] = []

    def add(
        self,
        mask: Bool[np.ndarray, "h w"],
        *,
        crowd: bool,
        box_px: Float32[np.ndarray, " 4"] | None = None,
        joints_px: Float32[np.ndarray, "17 2"] | None = None,
        joint_state: np.ndarray | None = None,
    ) -> None:
        """A person or a crowd; without a box that of the mask, which has pixels then.

        Raises:
            ValueError: there are too many people.
        """
        if len(self._rows) >= scene_record.MOST_PEOPLE:
            raise ValueError(
                f"A picture shows at most {scene_record.MOST_PEOPLE} people, "
                f"{self.name!r} more: leave it out (`--skip-bad`)."
            )
        k = scene_record.JOINTS
        joints = np.zeros((k, 2), np.float32) if joints_px is None else joints_px
        state = np.zeros(k, np.int8) if joint_state is None else joint_state
        box = box_of(mask) if box_px is None else box_px
        self._rows.append((crowd, box, joints, state))
        row = len(self._rows)
        self.paint(mask, scene_record.IGNORED if crowd else row)

    def paint(self, mask: Bool[np.ndarray, "h w"], value: int) -> None:
        """Pixels of the ball, or of what is not known."""
        self._values.append(value)
        self._masks.append(mask)

    def ids(self) -> UInt8[np.ndarray, "h w"]:
        """The map of all, the smaller on top."""
        return scene_record.paint(self.size_hw, self._values, self._masks)

    def facts(self, **more: Any) -> scene_record.Facts:
        """The rows of the record; `more`: what is not of a row."""
        n, k = len(self._rows), scene_record.JOINTS
        crowd, boxes, joints, states = (
            zip(*self._rows, strict=True) if n else ((), (), (), ())
        )
        crowds = np.array(crowd, np.bool_).reshape(n)
        return scene_record.Facts(
            name=self.name,
            size_hw=np.array(self.size_hw, np.int32),
            players=~crowds,
            crowd=crowds,
            box_px=np.array(boxes, np.float32).reshape(n, 4),
            joints_px=np.array(joints, np.float32).reshape(n, k, 2),
            joint_state=np.array(states, np.int8).reshape(n, k),
            **more,
        )


def box_of(mask: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, " 4"]:
    """x0 y0 x1 y1 around the pixels of a mask, which has some."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    corners = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    return np.array(corners, np.float32)


def middle_of(mask: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, " 2"]:
    """The mean of the pixels' centres, xy."""
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean() + 0.5, rows.mean() + 0.5], np.float32)


def read_picture(
    path: pathlib.Path, name: str, size_hw: tuple[int, int]
) -> tuple[bytes, UInt8[np.ndarray, "h w 3"]]:
    """A file and its pixels.

    Raises:
        ValueError: it is missing, damaged, or of another size.
    """
    if not path.is_file():
        raise ValueError(
            f"Every labelled picture has its file, {path} of {name!r} is missing: "
            "complete the folder, or leave it out with `--skip-bad`."
        )
    data = path.read_bytes()
    image = picture_file.decode_rgb(data, str(path))
    if image.shape[:2] != tuple(size_hw):
        raise ValueError(
            f"The labels of {name!r} are of a picture of {list(size_hw)} (h, w), "
            f"{path} has {list(image.shape[:2])}: one of them is of another picture."
        )
    return data, image
