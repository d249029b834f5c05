import dataclasses
import pathlib

import numpy as np
import pytest

from bench import stack_files
from tests import made_scenes
from ttjax.formats import tracknet
from ttjax.media.writer import VideoWriter

SIZE_HW, FRAMES = (64, 96), 14


@dataclasses.dataclass(frozen=True)
class Hall:
    """A made-up clip: a white ball that flies over a still background."""

    seed: int

    def track(self) -> tracknet.Track:
        time = np.arange(FRAMES)[:, None]
        draw = np.random.default_rng(self.seed)
        start, speed = draw.uniform(8, 24, (1, 2)), draw.uniform(1.5, 3, (1, 2))
        visible = np.ones(FRAMES, np.bool_)
        visible[[2, 9]] = False
        xy = (start + speed * time).astype(np.float32)
        xy[~visible] = 0
        return tracknet.Track(xy, visible)

    def frames(self) -> list[np.ndarray]:
        draw = np.random.default_rng(self.seed)
        tiles = draw.integers(40, 120, (8, 12, 3)).astype(np.uint8)
        still = np.kron(tiles, np.ones((8, 8, 1), np.uint8))
        frames = [still.copy() for _ in range(FRAMES)]
        track = self.track()
        for frame, xy, seen in zip(frames, track.xy_px, track.visible, strict=True):
            if seen:
                x, y = np.floor(xy).astype(int)
                frame[y - 2 : y + 3, x - 2 : x + 3] = 250
        return frames


@pytest.fixture(scope="session")
def halls(tmp_path_factory) -> pathlib.Path:
    """Three groups of clips with labels: `a` has four, `b` two, `c` one."""
    root = tmp_path_factory.mktemp("halls")
    for seed, name in enumerate(["a/0", "a/1", "a/2", "a/3", "b/0", "b/1", "c/0"]):
        hall, path = Hall(seed), root / f"{name}.mp4"
        with VideoWriter(path, fps=30, size_hw=SIZE_HW, quality=4) as video:
            for frame in hall.frames():
                video.write(frame)
        tracknet.write(path.with_suffix(".csv"), hall.track(), size_hw=SIZE_HW)
    return root


@pytest.fixture
def hall() -> Hall:
    """The clip `a/0`."""
    return Hall(0)


@pytest.fixture
def cache_home(tmp_path, monkeypatch) -> pathlib.Path:
    """An empty cache directory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "ttjax"


MADE = stack_files.MadeStacks(
    frames=3, canvas_hw=(64, 96), source_hw=(256, 640), radius_px=3.0, licence="CC0 X"
)


@pytest.fixture(scope="session")
def made_stacks(tmp_path_factory) -> pathlib.Path:
    """A prepared data set of stacks: 32 for training, 8 for each other split."""
    root = tmp_path_factory.mktemp("stacks")
    splits = {"train": 32, "validation": 8, "test": 8}
    return stack_files.write(root, MADE, splits)


def _prepared(builder, folder) -> pathlib.Path:
    import tensorflow_datasets as tfds

    config = tfds.download.DownloadConfig(manual_dir=folder)
    builder.download_and_prepare(download_config=config)
    return pathlib.Path(builder.data_path)


@pytest.fixture(scope="session")
def made_pictures(tmp_path_factory) -> pathlib.Path:
    """A prepared data set in the layout of COCO: three pictures for each split."""
    from ttjax.datasets.coco_sport import (  # pyright: ignore[reportMissingImports]
        coco_sport_dataset_builder as module,
    )

    root = tmp_path_factory.mktemp("coco")
    folder = made_scenes.write_coco(root / "given")
    return _prepared(module.Builder(data_dir=root / "built", config="every"), folder)


@pytest.fixture(scope="session")
def made_views(tmp_path_factory) -> pathlib.Path:
    """A prepared data set in the layout of DeepSport, four views for testing."""
    from ttjax.datasets.deepsport import (  # pyright: ignore[reportMissingImports]
        deepsport_dataset_builder as module,
    )

    root = tmp_path_factory.mktemp("views")
    folder = made_scenes.write_deepsport(root / "given")
    return _prepared(module.Builder(data_dir=root / "built", config="full"), folder)
