import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.deepsportlab import joints, scales
from ttjax.deepsportlab.scales import InstanceScale, PaperScale, Scale

RNG = np.random.default_rng(0)
K = 17
part_scales = jax.jit(scales.part_scales)


def box_area(points):
    return np.prod(points.max(0) - points.min(0))


def oracle(points, labelled):
    """A plain reading of the rule, for one person."""
    if labelled.sum() < 3:
        return None
    ratios = []
    for angle in (0.0, np.pi / 4):
        turn = np.array(
            [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        )
        pose = joints.UPRIGHT.astype(np.float64) @ turn.T
        if box_area(pose[labelled]) > 0.1:
            ratios.append(box_area(pose) / box_area(pose[labelled]))
    if not ratios:
        return None
    size = np.sqrt(box_area(points[labelled])) * min(5.0, np.sqrt(min(ratios)))
    return size if size >= 0.1 else None


def people(n):
    poses = joints.UPRIGHT * [1, -1] + RNG.normal(0, 0.5, (n, K, 2))
    return (
        poses * RNG.uniform(0.5, 2, (n, 1, 1)) + RNG.uniform(0, 40, (n, 1, 2))
    ).astype(np.float32)


def test_the_size_of_a_person_is_that_of_a_plain_loop():
    points = people(40)
    labelled = RNG.uniform(size=(40, K)) < RNG.uniform(0, 1, (40, 1))
    size, known = jax.jit(jax.vmap(scales.body_scale))(
        jnp.array(points), jnp.array(labelled)
    )
    for i in range(40):
        expected = oracle(points[i].astype(np.float64), labelled[i])
        assert bool(known[i]) == (expected is not None)
        if expected is not None:
            np.testing.assert_allclose(size[i], expected, rtol=1e-4)
    assert 10 < known.sum() < 40


def test_a_whole_standing_person_is_as_large_as_the_box_of_the_joints():
    size, known = jax.jit(scales.body_scale)(
        jnp.array(joints.UPRIGHT), jnp.ones(K, bool)
    )
    np.testing.assert_allclose(size, np.sqrt(3.5 * 9.7), rtol=1e-6)
    assert known


def test_a_scale_is_at_most_a_quarter_of_the_way_to_the_same_joint_of_another():
    points, labelled = people(6), np.ones((6, K), bool)
    points[1] = points[0] + 0.3
    labelled[2, 4] = labelled[5] = False
    scale, known = part_scales(jnp.array(points), jnp.array(labelled))
    capped = 0
    for i in range(5):
        for k in range(K):
            if not labelled[i, k]:
                assert not known[i, k]
                continue
            others = [
                np.linalg.norm(points[i, k] - points[j, k])
                for j in range(6)
                if j != i and labelled[j, k]
            ]
            body = oracle(points[i].astype(np.float64), labelled[i])
            assert body is not None
            free = joints.SIGMAS[k] * body
            np.testing.assert_allclose(
                scale[i, k], min(free, min(others) / 4), rtol=1e-4
            )
            capped += min(others) / 4 < free
            assert known[i, k]
    assert capped
    assert not known[5].any()


def test_joints_of_two_people_at_one_place_have_no_scale():
    both = jnp.array(
        np.stack([joints.UPRIGHT, joints.UPRIGHT + np.array([0, 3])]).astype("f4")
    )
    both = both.at[1, 9].set(both[0, 9])
    scale, known = part_scales(both, jnp.ones((2, K), bool))
    assert not known[:, 9].any()
    assert known[:, 10].all()
    assert np.isfinite(scale).all()


def test_scales_of_centre_and_ball_are_constant_or_grow_with_what_they_belong_to():
    boxes = jnp.array([[0, 0, 40, 90], [5, 5, 5, 9], [0, 0, 4, 4]], jnp.float32)
    modes: list[Scale] = [PaperScale(), InstanceScale(ball_factor=2.0)]
    paper, instance = modes
    size, known = paper.centre(boxes, stride=8)
    np.testing.assert_allclose(size, 0.1)
    assert known.all()
    size, known = paper.ball(jnp.float32(0), stride=8)
    np.testing.assert_allclose(size, 0.2)
    assert known
    size, known = instance.centre(boxes, stride=8)
    np.testing.assert_allclose(size, [0.1 * 60 / 8, 0.1, 0.1])
    np.testing.assert_array_equal(known, [True, False, True])
    size, known = instance.ball(jnp.float32(12), stride=8)
    np.testing.assert_allclose(size, 0.2 * 2 * 12 / 8)
    assert known
    assert not instance.ball(jnp.float32(0), stride=8)[1]
    with pytest.raises(ValueError, match="Scales are positive"):
        InstanceScale(least=0.0)
