import dataclasses
import json

import numpy as np
import pytest

from tests import made_scenes
from ttjax.datasets.deepsport import plans  # pyright: ignore[reportMissingImports]
from ttjax.formats import deepsport, deepsport_humans, scene_record
from ttjax.geometry.calibration import Calibration


@pytest.fixture
def folder(tmp_path):
    return made_scenes.write_deepsport(tmp_path / "data")


def test_instants_keep_their_split_with_all_their_views(tmp_path):
    base = made_scenes.instants()[0]
    many = [dataclasses.replace(base, timestamp=n) for n in range(2000)]
    share = np.mean([plans.split_of(one) == "validation" for one in many])
    assert abs(share - plans.VALIDATION_SHARE) < 0.03
    for arena in deepsport.TEST_ARENAS:
        assert plans.split_of(dataclasses.replace(base, arena=arena)) == "test"
    found = plans.splits(many, tmp_path, step=1)
    assert sum(map(len, found.values())) == 4000
    for one in found.values():
        assert len(one) % 2 == 0


@pytest.mark.parametrize("step", [1, 2])
def test_a_record_of_a_view_with_masks(folder, step):
    instant = made_scenes.instants()[0]
    record = plans.record(instant, 0, folder, step=step)
    found = scene_record.decode(record)
    facts = found.facts
    np.testing.assert_array_equal(found.image, made_scenes.picture(0)[::step, ::step])
    assert facts.players.tolist() == [True, True, False]
    assert facts.crowd.tolist() == [False, False, True]
    assert not facts.joints_known
    people = made_scenes.humans().people
    for row, mask in enumerate(people, 1):
        np.testing.assert_array_equal(found.ids == row, mask[::step, ::step])
    # The crowd, and three pixels that are too small to be anybody.
    assert found.ids[4 // step, 50 // step] == scene_record.IGNORED
    assert found.ids[40 // step, 30 // step] == scene_record.IGNORED
    # A visible ball without a mask: a disc that is ignored around its projection.
    lens = Calibration(**vars(made_scenes.lens()))
    xy, _ = lens.project(np.array(made_scenes.BALL_CM))
    assert facts.ball_state == scene_record.VISIBLE
    np.testing.assert_allclose(facts.ball_xy_px, (xy - 0.5) / step + 0.5, rtol=1e-6)
    diameter = 60 * 23 / lens.project(np.array(made_scenes.BALL_CM))[1]
    np.testing.assert_allclose(facts.ball_diameter_px, diameter / step, rtol=0.02)
    about = json.loads(facts.about)
    assert about["step"] == step
    assert deepsport.parse_instant(about["instant"]).name == instant.name
    assert deepsport.parse_lens(about["calibration"], "x").size_hw == (48, 64)


def test_the_ball_of_a_mask_is_the_ball(folder):
    instant = made_scenes.instants()[0]
    masks = dataclasses.replace(
        made_scenes.humans(), ball=made_scenes.box_mask(30, 30, 34, 34)
    )
    deepsport_humans.write(instant.humans_file(folder, 0), masks)
    found = scene_record.decode(plans.record(instant, 0, folder, step=1))
    assert (found.ids == scene_record.BALL_ID).sum() == 16


def test_balls_of_other_views_are_unknown():
    instant, lens = made_scenes.instants()[0], made_scenes.lens()

    def state(camera=0, **change):
        ball = dataclasses.replace(instant.balls[0], **change)
        one = dataclasses.replace(instant, balls=(ball,))
        return plans.ball_of(one, camera, lens, step=1)

    assert isinstance(state(), plans.SeenBall)
    assert state().state == scene_record.VISIBLE
    assert state(camera=1).state == scene_record.UNKNOWN
    assert state(visible=False).state == scene_record.ABSENT
    far = np.array([9000.0, 0, 0])
    assert state(centre_cm=far).state == scene_record.ABSENT
    none = dataclasses.replace(instant, balls=())
    assert plans.ball_of(none, 0, lens, step=1).state == scene_record.UNKNOWN
    twice = dataclasses.replace(instant, balls=instant.balls * 2)
    with pytest.raises(ValueError, match="has 2"):
        plans.ball_of(twice, 0, lens, step=1)


def test_views_without_masks_have_a_ball_alone(folder):
    instant = made_scenes.instants()[1]
    found = scene_record.decode(plans.record(instant, 0, folder, step=1))
    assert not found.facts.masks_known
    assert len(found.facts.players) == 0
    assert found.facts.ball_state == scene_record.VISIBLE
    assert not found.ids.any()


def test_a_thin_mask_between_the_kept_rows_keeps_its_row(folder):
    instant = made_scenes.instants()[0]
    thin = dataclasses.replace(
        made_scenes.humans(), people=(made_scenes.box_mask(5, 11, 30, 12),)
    )
    deepsport_humans.write(instant.humans_file(folder, 0), thin)
    found = scene_record.decode(plans.record(instant, 0, folder, step=2))
    assert found.facts.players.tolist() == [True, False]
    assert not (found.ids == 1).any()
    assert found.facts.box_px[0].tolist() == [2.5, 5.5, 15, 6]


def test_files_that_do_not_fit_are_refused_by_name(folder):
    instant = made_scenes.instants()[0]
    path = instant.humans_file(folder, 0)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(ValueError, match=path.name):
        plans.record(instant, 0, folder, step=1)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=path.name):
        plans.record(instant, 0, folder, step=1)
    path.write_bytes(whole)
    lens = made_scenes.lens((47, 64))
    deepsport.write_lens(instant.calibration_file(folder, 0), lens)
    with pytest.raises(ValueError, match="another picture"):
        plans.record(instant, 0, folder, step=1)
