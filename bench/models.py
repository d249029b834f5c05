"""What is measured: a network by name, its weights drawn at random."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from ttjax.deepsportlab import config as deepsportlab
from ttjax.deepsportlab.decoder import Decoder
from ttjax.deepsportlab.task import Task as DeepSportLab
from ttjax.task import Task
from ttjax.ttnet import config as ttnet
from ttjax.ttnet.task import Task as TTNet
from ttjax.typing import Variables

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "ttnet": ttnet.PRESETS,
    "deepsportlab": deepsportlab.PRESETS,
}
"""Configurations by family and name; the one named as its family is the paper's."""

TABLE_4: Mapping[str, tuple[str, ...]] = {
    "all": deepsportlab.HEADS,
    "ball": ("ball",),
    "masks": ("centre", "masks"),
    "poses": ("parts", "centre", "masks"),
}
"""Heads of DeepSportLab by what is asked of it; players are what masks tell apart."""

FULL_HD = (1080, 1920)
"""Height and width of the frames of OpenTTGames, in pixels."""

QUICK_HW = (144, 256)
"""Frames in tests, in pixels."""


@dataclasses.dataclass(frozen=True)
class Model:
    """A network that is measured.

    asked: a key of `TABLE_4`, for DeepSportLab.
    quick: one of few channels for small frames, to try a benchmark out.
    """

    family: str
    preset: str = ""
    asked: str = "all"
    quick: bool = False

    def __post_init__(self):
        """Fills in the family's own preset.

        Raises:
            ValueError: there is no such family, preset or entry of `TABLE_4`.
        """
        if not self.preset:
            object.__setattr__(self, "preset", self.family)
        for name, known in (
            (self.family, PRESETS),
            (self.preset, PRESETS.get(self.family, ())),
            (self.asked, TABLE_4),
        ):
            if name not in known:
                raise ValueError(
                    f"A model is one of {', '.join(known)}, got {name!r}: choose one."
                )

    @property
    def label(self) -> str:
        """How names of rows begin: the family, and a preset that is not its own."""
        own = self.preset == self.family
        return self.family if own else f"{self.family}.{self.preset}"

    def task(self, dtype: str = "float32") -> Task:
        """The task, its config computing in `dtype`."""
        fields: dict[str, Any] = {"compute_dtype": dtype}
        preset = PRESETS[self.family][self.preset]
        if self.family == "ttnet":
            if self.quick:
                small = {"width": 0.1, "frame_hw": (64, 128), "crop_hw": (64, 128)}
                fields |= small
            return TTNet(config=preset(**fields))
        if self.asked != "all":
            fields["heads"] = TABLE_4[self.asked]
        decoder = Decoder()
        if self.quick:
            trunk = {"backbone": deepsportlab.Nano((4, 8, 16)), "skips": (8, 4)}
            fields |= {"image_hw": (65, 65), "channels": 8, "players": 8, **trunk}
            decoder = Decoder(players=8, queries=16, sources=32)
        return DeepSportLab(config=preset(**fields), decoder=decoder)


def variables(task: Task, seed: int = 0) -> Variables:
    """Weights as a trained network might have them, on the host.

    Kernels keep the size of what passes through them; no statistic is 0 or 1, so that
    nothing is spared. Drawing them compiles nothing.
    """
    rng = np.random.default_rng(seed)

    def draw(path: Any, leaf: Any) -> np.ndarray:
        name = str(getattr(path[-1], "key", path[-1]))
        if name in ("scale", "var"):
            drawn = rng.uniform(0.5, 1.5, leaf.shape)
        elif leaf.ndim > 1:
            fan_in = np.prod(leaf.shape[:-1])
            drawn = rng.normal(size=leaf.shape) / np.sqrt(fan_in)
        else:
            drawn = 0.1 * rng.normal(size=leaf.shape)
        return drawn.astype(leaf.dtype)

    return jax.tree_util.tree_map_with_path(draw, task.config.abstract_variables())
