import dataclasses

import jax
import numpy as np
import pytest

from tests import made_scenes
from ttjax import samples
from ttjax.formats import scene_record
from ttjax.pipeline import scene_records
from ttjax.pipeline.mixed import Mixed, Part
from ttjax.pipeline.scene_records import SceneRecords
from ttjax.scenes import SceneSpec

SPEC = SceneSpec((33, 33), players=4)


def equal(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_it_is_data(made_pictures):
    data = SceneRecords(made_pictures)
    assert isinstance(data, samples.Data)
    assert "CC BY 4.0" in samples.licences_of(data)[0]
    for zoom, near in ((0.5, 0.5), (np.nan, 0.5), (1.0, 1.5)):
        with pytest.raises(ValueError, match=r"`(zoom|near)`"):
            SceneRecords(made_pictures, zoom=zoom, near=near)


def test_training_batches_have_the_specs_shapes_and_repeat_by_seed(made_pictures):
    data = SceneRecords(made_pictures)
    source = data.train(SPEC, batch_size=2, seed=3)
    assert isinstance(source, samples.Source)
    first = source.next_batch()
    shapes = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), first)
    assert shapes == jax.tree.map(lambda s: (s.shape, s.dtype), SPEC.batch(2))
    position, second = source.state(), source.next_batch()
    again = dataclasses.replace(data, threads=0).train(SPEC, batch_size=2, seed=3)
    equal(again.next_batch(), first)
    again.restore(position)
    equal(again.next_batch(), second)
    other = data.train(SPEC, batch_size=2, seed=4).next_batch()
    assert not np.array_equal(other.image, first.image)


def test_validation_shows_whole_pictures_at_every_call(made_pictures):
    data = SceneRecords(made_pictures)
    batches = list(data.validation(SPEC, batch_size=1))
    assert len(batches) == 3
    equal(batches, list(data.validation(SPEC, batch_size=1)))
    assert batches[0].valid_hw.tolist() == [[25, 33]]
    few = dataclasses.replace(data, validation_samples=2)
    assert len(list(few.validation(SPEC, batch_size=1))) == 2


def test_equal_shares_of_two_data_sets(made_pictures, made_views):
    mixed = Mixed(
        (
            Part(SceneRecords(made_pictures), name="coco"),
            Part(SceneRecords(made_views), name="deepsport"),
        )
    )
    source = mixed.train(SPEC, batch_size=4, seed=0)
    for _ in range(2):
        batch = source.next_batch()
        assert batch.labels.joints_known.sum() == 2
    assert source.state()["drawn"] == {"coco": 4, "deepsport": 4}


def test_pictures_are_recordings_of_one_frame(made_views):
    data = SceneRecords(made_views)
    found = list(data.recordings("test"))
    assert len(found) == 4
    assert isinstance(found[0], scene_records.PictureRecording)
    assert all(isinstance(one, samples.Recording) for one in found)
    assert len({one.name for one in found}) == 4
    for one in found:
        (frame,) = one.frames()
        assert frame.shape == (*one.size_hw, 3)
        assert isinstance(one.labels, scene_records.PictureLabels)
        assert isinstance(one.labels, samples.ExampleLabels)
        assert one.labels.length == 1
        labels = one.labels.example_labels(0)
        assert labels.court is not None
        np.testing.assert_array_equal(labels.scene.ids, one.picture().ids)
        with pytest.raises(IndexError, match="one picture"):
            one.labels.example_labels(1)
        assert one.facts.about
    states = {int(one.labels.example_labels(0).scene.ball_state) for one in found}
    assert states == {samples.VISIBLE, samples.UNKNOWN}
    assert not list(data.recordings("validation"))


def test_too_few_rows_are_refused_at_once(made_pictures):
    data, spec = SceneRecords(made_pictures), SceneSpec((33, 33), players=2)
    with pytest.raises(ValueError, match="`players=3`"):
        data.train(spec, batch_size=1, seed=0)
    with pytest.raises(ValueError, match="`players=3`"):
        data.validation(spec, batch_size=1)


def test_a_damaged_picture_is_named(made_pictures):
    data = SceneRecords(made_pictures)
    pictures = data.pictures("train", SPEC, zoom=1.0)
    assert isinstance(pictures, scene_records.Pictures)
    assert len(pictures) == 3
    spoilt = {**pictures.records[0], "image": b"\xff\xd8"}
    broken = dataclasses.replace(pictures, records=[spoilt])
    name = made_scenes.coco_pictures(0)[0].file
    with pytest.raises(ValueError, match=name):
        broken.sample(0, np.random.default_rng(0))
    facts = scene_record.read_facts(pictures.records[0])
    assert facts.name == name


def test_nothing_is_prepared_or_nothing_to_validate_on(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds none"):
        SceneRecords(tmp_path).train(SPEC, batch_size=1, seed=0)
