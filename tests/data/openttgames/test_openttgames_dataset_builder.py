import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import unittest
from typing import Any

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow_datasets as tfds

from ttjax.datasets import options  # pyright: ignore[reportMissingImports]
from ttjax.datasets.openttgames import (  # pyright: ignore[reportMissingImports]
    openttgames_dataset_builder as module,
)
from ttjax.formats import openttgames, stack_record
from ttjax.pipeline.stack_records import StackRecords
from ttjax.ttnet import config as networks
from ttjax.ttnet.augmentation import Augment
from ttjax.ttnet.task import Task


@pytest.fixture(scope="module")
def windows(prepare, tmp_path_factory):
    folder = module.Builder.pkg_dir_path / "dummy_data"
    builder = module.Builder(
        data_dir=tmp_path_factory.mktemp("tfds"), config="windows_by_game"
    )
    return prepare(builder, folder)


def test_windows_are_whole_and_splits_apart(windows):
    windows.check()
    windows.check_folder("openttgames")
    assert set(windows.builder.info.splits) == {"train", "validation", "test"}
    assert json.loads((windows.path / "skipped.json").read_text()) == []
    assert windows.metadata()["pairs"] is False
    stacks = windows.path.parents[2] / "downloads" / "stacks"
    assert not list(stacks.rglob("*.stacks"))


def test_records_say_what_the_label_files_say(windows):
    folder = pathlib.Path(module.Builder.pkg_dir_path) / "dummy_data"
    clip = openttgames.clip_files(folder, "test_1")
    balls = openttgames.read_balls(clip.balls)
    (bounce,) = openttgames.read_events(clip.events)["bounce"]
    masks = openttgames.mask_files(clip.masks)
    records = windows.records("test")
    newest = [int(record["frame"]) for record in records]
    expected = {*balls.frames.tolist(), *masks}
    assert newest == sorted(frame for frame in expected if frame >= 8)
    for record in records:
        stack = stack_record.decode(record)
        frame = stack.facts.frame
        at = np.flatnonzero(balls.frames == frame)
        state = balls.state[at[0]] if len(at) else stack_record.UNKNOWN
        assert stack.facts.ball_state[-1] == state
        if state == stack_record.VISIBLE:
            np.testing.assert_array_equal(
                stack.facts.ball_xy_px[-1], balls.xy_px[at[0]]
            )
            inside = stack.facts.ball_xy_px[-1] - stack.facts.canvas_xy
            assert (inside >= 0).all()
            assert (inside < [392, 256]).all()
        step = bounce - (frame - 4)
        assert stack.facts.event_offset[0] == (step if abs(step) <= 16 else np.inf)
        assert (stack.masks is not None) == (frame in masks)
        if stack.masks is not None:
            np.testing.assert_array_equal(
                stack.masks, openttgames.read_mask(masks[frame])
            )


@pytest.fixture(scope="module")
def data(windows):
    """The records and their videos, as a recipe names them."""
    videos = pathlib.Path(module.Builder.pkg_dir_path) / "dummy_data"
    return StackRecords(windows.path, videos=videos, cache=False)


TASK = Task(
    networks.nano(crop_hw=(128, 320), canvas_margin=(64, 36), width=0.5),
    augmentation=Augment(affine=1.0),
)


def test_samples_show_what_the_evaluator_streams(data):
    """Builder, pipeline and evaluator agree on pixels and labels of every frame."""
    (video,) = data.recordings("test")
    frames, labels = list(video.frames()), video.labels
    samples = data.windows("test", TASK.sample, jitter=1.0, away=0.0)
    for index in range(0, len(samples), 9):
        facts = samples.stacks[index].facts
        clip = samples.sample(index, np.random.default_rng(index))
        x, y = clip.canvas_xy
        h, w = TASK.sample.canvas_hw or (0, 0)
        for step, number in enumerate(range(facts.frame - 8, facts.frame + 1)):
            whole = cv2.resize(frames[number], (320, 128), interpolation=cv2.INTER_AREA)
            part = frames[number][y : y + h, x : x + w]
            for seen, shown in ((clip.frames, whole), (clip.canvas, part)):
                difference = np.abs(seen[step].astype(float) - shown)
                assert difference.mean() < 2  # of JPEG
            assert clip.labels.ball_state[step] == labels.ball_state[number]
            if labels.ball_state[number] == stack_record.VISIBLE:
                np.testing.assert_array_equal(
                    clip.labels.ball_xy_px[step], labels.ball_xy_px[number]
                )
        (bounce,) = labels.events["bounce"]
        steps = bounce - (facts.frame - 4)
        assert clip.labels.event_known.all()
        assert clip.labels.event_offset[0] == (steps if abs(steps) <= 16 else np.inf)
        assert clip.labels.masks_known.all() == (facts.frame in labels.masks)


def test_longer_records_hold_windows_of_half_the_frame_rate(prepare, tmp_path):
    folder = module.Builder.pkg_dir_path / "dummy_data"
    builder = module.Builder(data_dir=tmp_path, config="windows_17")
    built, videos = prepare(builder, folder).path, pathlib.Path(folder)
    longer = StackRecords(built, videos=videos, cache=False)
    spec, random = TASK.sample, np.random.default_rng(0)
    samples = longer.windows("test", spec, jitter=1.0, away=0.0, strides=(2,))
    (video,) = longer.recordings("test")
    labels = video.labels
    (bounce,) = labels.events["bounce"]
    near = 0
    for index in range(len(samples)):
        clip = samples.sample(index, random)
        newest = samples.stacks[index].facts.frame
        seen = [labels.ball_state[newest - 16 + 2 * step] for step in range(9)]
        assert clip.labels.ball_state.tolist() == seen
        steps = (bounce - (newest - 8)) / 2
        assert clip.labels.event_offset[0] == (steps if abs(steps) <= 8 else np.inf)
        near += abs(steps) <= 8
    assert near > 0
    mixed = dataclasses.replace(longer, strides=(1, 2))
    batch = mixed.train(spec, batch_size=2, seed=0).next_batch()
    assert batch.frames.shape == spec.batch(2).frames.shape


def test_a_network_trains_on_what_is_built(data):
    """From records to losses; the paper's crops and turns included."""
    batch = data.train(TASK.sample, batch_size=2, seed=0).next_batch()
    shapes = [
        jax.tree.map(lambda x: (x.shape, x.dtype), one)
        for one in (batch, TASK.sample.batch(2))
    ]
    assert shapes[0] == shapes[1]

    def shown(key, batch):
        augment, look = jax.random.split(key)
        clip = TASK.augment(augment, batch)
        return clip, TASK.inputs(clip, look, jnp.zeros(()))

    def answered(key, batch):
        _, inputs = shown(key, batch)
        return TASK.config.model.init_with_output(key, inputs)[0]

    # That the network takes them is seen from shapes; its answers are not needed.
    shapes = jax.eval_shape(answered, jax.random.key(0), batch)
    blank = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)

    @jax.jit
    def terms(key, batch):
        clip, inputs = shown(key, batch)
        outputs = dataclasses.replace(blank, crop_xy=inputs.canvas_xy)
        return TASK.losses(outputs, TASK.targets(clip, outputs))

    found: Any = terms(jax.random.key(0), batch)
    assert set(found) == set(networks.HEADS)
    for term in found.values():
        value, weight = np.asarray(term.value), np.asarray(term.weight)
        assert np.isfinite(value).all()
        assert (value[weight > 0] > 0).all()
    assert (batch.labels.ball_state[:, -1] != stack_record.UNKNOWN).any()
    blind = dataclasses.replace(
        batch.labels, ball_state=np.full_like(batch.labels.ball_state, -1)
    )
    without: Any = terms(jax.random.key(0), dataclasses.replace(batch, labels=blind))
    for name in ("ball_global", "ball_local"):
        assert np.asarray(found[name].weight).any()
        assert not np.asarray(without[name].weight).any()


def test_pairs_are_counted_beside_the_paper_s(prepare, tmp_path, capsys):
    folder = module.Builder.pkg_dir_path / "dummy_data"
    builder = module.Builder(data_dir=tmp_path, config="paper_pairs")
    made = prepare(builder, folder)
    made.check()
    told = capsys.readouterr().out
    for split, stated in [("train", "38,752"), ("test", "7,328")]:
        count = builder.info.splits[split].num_examples
        assert f"{split}: {count} pairs, the paper states {stated}" in told


def test_clips_that_are_bad_are_refused_or_reported(prepare, dummy, tmp_path):
    folder = dummy("openttgames")
    (folder / "game_1" / "ball_markup.json").write_text('{"999": {"x": 1, "y": 1}}')
    builder = module.Builder(data_dir=tmp_path / "a", config="windows")
    with pytest.raises(ValueError, match=r"ball_markup.json.*999|another clip"):
        prepare(builder, folder)
    assert not builder.data_path.exists()
    video = folder / "game_2.mp4"
    video.write_bytes(video.read_bytes()[:3000])
    with options.using(options.Options(skip_bad=True)):
        made = prepare(module.Builder(data_dir=tmp_path / "b"), folder)
    report = json.loads((made.path / "skipped.json").read_text())
    assert [one["clip"] for one in report] == ["game_1", "game_2"]
    assert "game_1" in report[0]["error"]
    assert "game_2.mp4" in report[1]["error"]
    assert set(made.builder.info.splits) == {"test"}


def test_a_folder_that_is_none_is_not_replaced_by_a_download(prepare, tmp_path):
    builder = module.Builder(data_dir=tmp_path, config="windows")
    with pytest.raises(FileNotFoundError, match="manual_dir"):
        prepare(builder, tmp_path / "nowhere")


def test_beam_makes_the_same_records(prepare, windows, tmp_path):
    beam = pytest.importorskip("apache_beam")
    flags = ["--runner=DirectRunner", "--direct_num_workers=2"]
    flags += ["--direct_running_mode=multi_processing"]
    folder = module.Builder.pkg_dir_path / "dummy_data"
    builder = module.Builder(data_dir=tmp_path, config="windows_by_game")
    with options.using(options.Options(beam=True)):
        made = prepare(
            builder,
            folder,
            beam_options=beam.options.pipeline_options.PipelineOptions(flags=flags),
        )
    for split in windows.builder.info.splits:
        for one, other in zip(windows.records(split), made.records(split), strict=True):
            for name, value in one.items():
                np.testing.assert_array_equal(other[name], value)


def test_tfds_s_own_test_case_passes():
    pytest.importorskip("tensorflow")
    pytest.importorskip("dill")

    class Case(tfds.testing.DatasetBuilderTestCase):
        DATASET_CLASS = module.Builder
        SPLITS = {"train": 1, "validation": 1, "test": 1}  # noqa: RUF012
        BUILDER_CONFIG_NAMES_TO_TEST = ["windows_by_game"]  # noqa: RUF012
        SKIP_CHECKSUMS = True

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert result.wasSuccessful(), result.errors + result.failures


def test_tfds_finds_the_builder_by_its_folder():
    """As `tfds build data/openttgames` does, with `data/` alone on the path."""
    program = (
        "from tensorflow_datasets.core import community\n"
        "name = 'openttgames.openttgames_dataset_builder'\n"
        "print(community.builder_cls_from_module(name).name)"
    )
    folder = pathlib.Path(module.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{folder}:{folder.parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "openttgames", done.stderr


def test_the_configurations_differ_in_what_they_say():
    by_name = {config.name: config for config in module.Builder.BUILDER_CONFIGS}
    assert isinstance(by_name["windows"], module.Config)
    assert by_name["paper_pairs"].pairs
    assert by_name["windows_by_game"].by_game
