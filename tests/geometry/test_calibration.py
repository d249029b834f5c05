import json

import cv2
import numpy as np
import pytest

from ttjax.formats import deepsport
from ttjax.geometry import calibration
from ttjax.geometry.calibration import Calibration

DISTORTIONS = [
    np.zeros(5),
    np.array([-0.25, 0.08, 0.002, -0.001, -0.01]),
    np.array([0.1, -0.02, -0.003, 0.002, 0.0]),
]


def made(distortion) -> Calibration:
    rotation, _ = cv2.Rodrigues(np.array([1.9, 0.1, -0.2]))
    return Calibration(
        size_hw=(1234, 1624),
        matrix=np.array([[1100.0, 0, 812.5], [0, 1105.0, 617.5], [0, 0, 1]]),
        rotation=rotation,
        translation=np.array([-1400.0, -300.0, 2500.0]),
        distortion=distortion,
    )


def court(count=40) -> np.ndarray:
    draw = np.random.default_rng(0)
    return draw.uniform([600, 200, -250], [2200, 1300, 0], (count, 3))


@pytest.mark.parametrize("distortion", DISTORTIONS)
def test_opencv_projects_to_the_same_pixels(distortion):
    camera, points = made(distortion), court()
    theirs, _ = cv2.projectPoints(
        points, camera.rotation, camera.translation, camera.matrix, distortion
    )
    xy, depth = camera.project(points)
    near = (np.abs(theirs[:, 0] - 812) < 1500).all(axis=1)
    assert near.sum() > 10
    np.testing.assert_allclose(xy[near], theirs[near, 0], atol=1e-6)
    assert (depth > 0).all()
    ahead = camera.rotation @ points[0] + camera.translation
    np.testing.assert_allclose(depth[0], ahead[2])


@pytest.mark.parametrize("distortion", DISTORTIONS)
def test_planes_are_met_where_points_were_projected_from(distortion):
    camera, points = made(distortion), court()
    points[:, 2] = -50
    points = points[camera.sees(points)]
    assert len(points) > 10
    found = camera.on_height(camera.project(points)[0], -50.0)
    np.testing.assert_allclose(found, points, atol=1e-3)


def test_one_step_of_undistortion_is_the_approximation():
    camera = made(DISTORTIONS[1])
    xy = np.array([[300.0, 200.0]])
    bent = (xy - camera.matrix[:2, 2]) / np.diag(camera.matrix)[:2]
    moved = calibration.distorted(bent, camera.distortion) - bent
    np.testing.assert_allclose(camera.plane_of(xy, steps=1), bent - moved)
    there = calibration.distorted(camera.plane_of(xy), camera.distortion)
    np.testing.assert_allclose(there, bent, atol=1e-9)


def test_points_far_outside_are_not_bent_back_into_the_picture():
    camera = made(np.array([-0.5, 0.0, 0.0, 0.0, 0.0]))
    plane = np.array([3.0, 0.0, 1.0])
    point = camera.rotation.T @ (1000 * plane - camera.translation)
    theirs, _ = cv2.projectPoints(
        point[None],
        camera.rotation,
        camera.translation,
        camera.matrix,
        camera.distortion,
    )
    assert theirs[0, 0, 0] < 0  # the polynomial turns round
    xy, _ = camera.project(point)
    np.testing.assert_allclose(xy, [812.5 + 3 * 1100, 617.5])
    assert not camera.sees(point)


def test_what_is_behind_the_camera_is_not_seen():
    camera = made(DISTORTIONS[0])
    ahead = camera.position + camera.rotation.T @ np.array([0.0, 0.0, 500.0])
    behind = camera.position - camera.rotation.T @ np.array([0.0, 0.0, 500.0])
    assert camera.sees(np.stack([ahead, behind])).tolist() == [True, False]


def test_lengths_are_focal_length_by_depth():
    camera = made(DISTORTIONS[0])
    points = court()
    depth = camera.project(points)[1]
    np.testing.assert_allclose(camera.length_px(points, 23.0), 23 * 1100 / depth)


def test_a_ray_along_the_plane_meets_it_nowhere():
    camera = Calibration(
        (100, 100),
        np.array([[100.0, 0, 50], [0, 100.0, 50], [0, 0, 1]]),
        np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]),
        np.array([0.0, 100.0, 0.0]),
        np.zeros(5),
    )
    met = camera.on_height(np.array([[50.0, 50.0], [50.0, 60.0]]), 0.0)
    assert np.isinf(met[0]).all()
    np.testing.assert_allclose(met[1], [0, -1000, 0], atol=1e-9)


def test_real_calibrations_project_as_their_own_matrices_do(real_data):
    folder = real_data / "deepsport_annotations" / "camera_calibration"
    count = 0
    for name in ("ground_truth_val.json", "ground_truth_test.json"):
        for raw in json.loads((folder / name).read_text()):
            if "K" not in raw:
                continue
            camera = Calibration(**vars(deepsport.parse_lens(raw, name)))
            assert camera.size_hw == (540, 960)
            np.testing.assert_allclose(camera.position, raw["C"], atol=0.1)
            ground = court() * [1, 1, 0]
            whole = np.concatenate([ground, np.ones((len(ground), 1))], axis=1)
            theirs = whole @ np.array(raw["P"]).reshape(3, 4).T
            theirs = theirs[:, :2] / theirs[:, 2:]
            xy, depth = camera.project(ground)
            ahead = depth > 100
            np.testing.assert_allclose(
                xy[ahead] - 0.5, theirs[ahead], rtol=1e-4, atol=0.05
            )
            seen = camera.sees(ground)
            back = camera.on_height(xy[seen], 0.0)
            np.testing.assert_allclose(back, ground[seen], atol=1e-3)
            count += 1
    assert count == 248
