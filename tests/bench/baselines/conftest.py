"""Networks of ours, small and with restless statistics, and what they answer."""

import dataclasses
import os
import sys
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bench import models
from ttjax.deepsportlab import arrays as deepsportlab_arrays
from ttjax.deepsportlab import config as deepsportlab
from ttjax.deepsportlab.task import Task as DeepSportLab
from ttjax.samples import FramePool
from ttjax.ttnet import arrays as ttnet_arrays
from ttjax.ttnet import config as ttnet
from ttjax.ttnet.task import Task as TTNet

SOURCE_HW = (150, 300)
"""Of the whole frames, in pixels; the crop is of 64x128."""


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Threads of PyTorch wait for one another in circles, for ages on busy cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0})
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@dataclasses.dataclass(frozen=True)
class Case:
    """A network, its weights, an example, and its raw outputs by head."""

    config: Any
    variables: Any
    example: Any
    ours: dict[str, np.ndarray]


def case(task, example):
    """Our side of a comparison."""
    variables = models.variables(task)
    inputs = jax.tree.map(jnp.asarray, example)
    told = jax.jit(task.config.model.apply)(variables, inputs)
    named = jax.tree_util.tree_flatten_with_path(told)[0]
    ours = {
        jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf)
        for path, leaf in named
    }
    return Case(task.config, variables, example, ours)


def picture(*shape):
    return np.random.default_rng(len(shape)).integers(0, 256, shape, np.uint8)


@pytest.fixture(scope="session")
def ttnet_case():
    config = ttnet.ttnet(width=0.1, frame_hw=(64, 128), crop_hw=(64, 128))
    t, h, w = config.window.frames, *config.frame_hw
    # Two windows that share all frames but one.
    pool = FramePool(
        pixels=jnp.asarray(picture(t + 1, *SOURCE_HW, 3)),
        at=jnp.asarray(np.arange(2)[:, None] + np.arange(t)[None], jnp.int32),
    )
    example = ttnet_arrays.Inputs(
        frames=jnp.asarray(picture(2, t, h, w, 3)),
        canvas=pool,
        canvas_xy=jnp.array([[0, 0], [7, 3]], jnp.int32),
        source_hw=jnp.array([SOURCE_HW, (180, 360)], jnp.int32),
        crop_at=jnp.zeros((2, 2), jnp.float32),
        forced=jnp.zeros((2,), jnp.bool_),
    )
    return case(TTNet(config=config), example)


def scene(config):
    h, w = config.image_hw
    return deepsportlab_arrays.Inputs(
        image=picture(2, h, w, 3),
        valid_hw=np.array([[h, w - 11], [h - 5, w]], np.int32),
        to_source=np.ones((2, 2), np.float32),
    )


@pytest.fixture(scope="session")
def deepsportlab_case():
    trunk = deepsportlab.ResNet(depth=18)
    config = deepsportlab.deepsportlab(image_hw=(65, 49), channels=8, backbone=trunk)
    return case(DeepSportLab(config=config), scene(config))


@pytest.fixture(scope="session")
def panoptic_case():
    """Bottlenecks, with the pool and with dilation, and centres as a heat map."""
    trunk = deepsportlab.ResNet(stem_pool=True, dilated=True)
    config = deepsportlab.panoptic(image_hw=(65, 65), channels=8, backbone=trunk)
    return case(DeepSportLab(config=config), scene(config))


@pytest.fixture(scope="session")
def same():
    """Asserts that outputs agree, each to a share of its largest number."""

    def check(theirs, ours, share):
        assert theirs.keys() == ours.keys()
        for name, value in ours.items():
            scale = max(1e-6, float(np.abs(value).max()))
            assert theirs[name].shape == value.shape, name
            apart = np.abs(theirs[name].astype(np.float64) - value).max()
            assert apart <= share * scale, (name, apart, scale)

    return check


@pytest.fixture(scope="session")
def without():
    """A copy of nested variables that lacks one leaf, named by its path."""

    def removed(tree, first, *rest):
        if not rest:
            return {name: part for name, part in tree.items() if name != first}
        return {**tree, first: removed(tree[first], *rest)}

    return removed


@pytest.fixture(scope="session")
def plain():
    """A namespace in the place of an example."""
    return SimpleNamespace
