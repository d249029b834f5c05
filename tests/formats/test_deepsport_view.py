import dataclasses
import json

import numpy as np
import pytest

from tests import made_scenes
from ttjax.formats import deepsport_view
from ttjax.formats.deepsport import LabelError
from ttjax.formats.deepsport_view import View
from ttjax.geometry.calibration import Calibration


def view(step=1, **change):
    instant = dataclasses.replace(made_scenes.instants()[0], **change)
    return View(instant, 1, made_scenes.lens(), step)


def test_what_is_written_is_read_again():
    made = view(3)
    again = deepsport_view.parse(made.json(), "x")
    assert again.json() == made.json()
    assert (again.camera, again.step) == (1, 3)
    assert again.instant.name == made.instant.name
    np.testing.assert_allclose(again.lens.matrix, made.lens.matrix, rtol=1e-12)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_kept_pixel_stands_for_the_pixel_it_was(step):
    made = view(step)
    points = np.random.default_rng(0).uniform((0, 0, -200), (2800, 1500, 0), (50, 3))
    whole = Calibration(**vars(made.lens)).project(points)[0]
    kept = Calibration(**vars(made.kept_lens)).project(points)[0]
    # Pixel j of those that are kept was pixel j * step: from centre to centre.
    np.testing.assert_allclose((kept - 0.5) * step + 0.5, whole, atol=1e-9)
    assert made.kept_lens.size_hw == np.zeros((48, 64))[::step, ::step].shape


def test_only_players_with_all_four_points_have_points():
    (player,) = view().instant.players
    assert view().points_cm.shape == (0, 4, 3)
    whole = dataclasses.replace(player, foot2_cm=np.array([1.0, 2.0, 3.0]))
    other = dataclasses.replace(whole, camera=1, head_cm=np.zeros(3))
    found = view(players=(player, whole, other)).points_cm
    assert found.shape == (2, 4, 3)
    np.testing.assert_array_equal(found[0, 3], [1, 2, 3])
    np.testing.assert_array_equal(found[1, 0], [0, 0, 0])


def test_the_court_is_that_of_the_rules():
    assert view().court_cm == deepsport_view.COURT_CM["FIBA"]
    assert view(rules="").court_cm == (2800, 1500)
    assert view(rules="NBA").court_cm == (94 * 30.48, 50 * 30.48)
    assert view(rules="streetball").court_cm is None


def test_what_is_no_view_is_named():
    whole = json.loads(view().json())
    for name in ("instant", "camera", "calibration", "step"):
        part = {key: value for key, value in whole.items() if key != name}
        with pytest.raises(LabelError, match="x"):
            deepsport_view.parse(json.dumps(part), "x")
    with pytest.raises(LabelError, match="of x has not"):
        deepsport_view.parse("{", "x")
    with pytest.raises(LabelError, match="from 1 on, got 0 of KS-FR-BLOIS"):
        deepsport_view.parse(json.dumps(whole | {"step": 0}), "x")
