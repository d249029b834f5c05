import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.geometry import camera as pinhole
from ttjax.scenes import JOINTS, MIRRORED
from ttjax.sim import athletes, poses

HEIGHT_M = 2.0
BONES = {
    ("hip", "knee"): athletes.THIGH,
    ("knee", "ankle"): athletes.SHIN,
    ("shoulder", "elbow"): athletes.UPPER_ARM,
    ("elbow", "wrist"): athletes.FOREARM,
}


@pytest.fixture(scope="module")
def run():
    return jax.jit(jax.vmap(athletes.body, in_axes=(0, None, None)))


@pytest.fixture(scope="module")
def angles():
    kinds = jnp.repeat(jnp.arange(len(poses.SHARES)), 4)
    uniform = jax.random.uniform(jax.random.key(0), (len(kinds), poses.COUNT))
    return jax.vmap(poses.pose)(kinds, uniform)


@pytest.fixture(scope="module")
def bodies(run, angles):
    return run(angles, jnp.float32(HEIGHT_M), jnp.array(False))


def joint(person, name):
    return np.asarray(person.joints)[..., JOINTS.index(name), :]


def test_bones_keep_their_length_in_every_pose(bodies):
    for (root, tip), share in BONES.items():
        for side in ("left", "right"):
            bone = joint(bodies, f"{side}_{tip}") - joint(bodies, f"{side}_{root}")
            length = np.linalg.norm(bone, axis=-1)
            np.testing.assert_allclose(length, HEIGHT_M * share, rtol=1e-5)


def test_a_foot_is_on_the_floor_or_as_high_as_the_jump(bodies, angles):
    points = np.concatenate([bodies.toes, bodies.heels], axis=1)
    feet = points[..., 2].min(axis=1)
    jump = np.asarray(angles)[:, 3]
    want = HEIGHT_M * (jump + 0.4 * athletes.ANKLE)
    np.testing.assert_allclose(feet, want, atol=1e-5)


def test_a_mirrored_body_is_the_reflected_one_with_its_sides_renamed(
    run, angles, bodies
):
    other = run(angles, jnp.float32(HEIGHT_M), jnp.array(True))
    want = np.asarray(bodies.joints)[:, np.array(MIRRORED)] * np.array([1.0, -1.0, 1.0])
    np.testing.assert_allclose(other.joints, want, atol=1e-6)
    np.testing.assert_allclose(other.hands[:, 0, 1], -bodies.hands[:, 1, 1], atol=1e-6)
    assert (np.abs(np.asarray(other.joints) - np.asarray(bodies.joints)) > 0.01).any()


def test_someone_who_stands_is_as_tall_as_told_and_has_left_at_the_left(run):
    upright = jnp.zeros((1, poses.COUNT))
    person = jax.tree.map(
        lambda leaf: leaf[0],
        run(upright, jnp.float32(HEIGHT_M), jnp.array(False)),
    )
    crown = person.head[2] + 0.055 * HEIGHT_M
    assert crown == pytest.approx(HEIGHT_M, abs=0.1 * HEIGHT_M)
    for name in ("eye", "ear", "shoulder", "hip", "ankle"):
        assert joint(person, f"left_{name}")[1] > joint(person, f"right_{name}")[1]
    assert joint(person, "nose")[0] > joint(person, "left_ear")[0]
    np.testing.assert_allclose(person.face, [1.0, 0.0, 0.0], atol=1e-6)


def test_placing_turns_about_the_hips_and_moves_along_the_floor(bodies):
    person = jax.tree.map(lambda leaf: leaf[9], bodies)
    assert isinstance(person, athletes.Body)
    root, yaw = np.array([3.0, -2.0], np.float32), 0.7
    placed = athletes.place(person, jnp.asarray(root), jnp.float32(yaw))
    turn = np.exp(1j * yaw)
    for before, after in (
        (np.asarray(person.joints), placed.joints),
        (np.asarray(person.hands), placed.hands),
    ):
        plane = (before[:, 0] + 1j * before[:, 1]) * turn + root[0] + 1j * root[1]
        got = np.asarray(after)
        np.testing.assert_allclose(got[:, 0] + 1j * got[:, 1], plane, atol=1e-5)
        np.testing.assert_allclose(got[:, 2], before[:, 2], atol=1e-6)
    face = np.asarray(placed.face)
    before = complex(*np.asarray(person.face)[:2]) * turn
    assert face[0] + 1j * face[1] == pytest.approx(before, abs=1e-5)


@pytest.fixture(scope="module")
def painted(bodies):
    camera = pinhole.look(
        jnp.array([0.0, -18.0, 6.0]),
        yaw=jnp.float32(0.0),
        pitch=jnp.float32(0.3),
        roll=jnp.float32(0.0),
        focal_px=jnp.float32(900.0),
        centre_px=jnp.array([160.0, 160.0]),
    )
    person = athletes.place(
        jax.tree.map(lambda leaf: leaf[9], bodies),
        jnp.zeros(2),
        jnp.float32(-1.2),
    )
    looks = jnp.arange(27.0).reshape(9, 3)

    def run(shown):
        return athletes.paint(
            camera,
            person,
            jnp.float32(HEIGHT_M),
            looks,
            jnp.zeros(2),
            owner=jnp.int32(7),
            shown=shown,
        )

    run = jax.jit(run)
    return camera, person, run(jnp.array(True)), run(jnp.array(False))


def test_every_joint_lies_within_the_capsules_of_its_person(painted):
    camera, person, made, _ = painted
    joints, _ = pinhole.project(camera, person.joints)
    geometry = np.asarray(made.shapes.geometry)
    assert len(geometry) == athletes.PARTS
    for point in np.asarray(joints):
        inside = []
        for x0, y0, x1, y1, r0, r1 in geometry[:, :6]:
            start, way = np.array([x0, y0]), np.array([x1 - x0, y1 - y0])
            t = np.clip((point - start) @ way / (way @ way + 1e-9), 0, 1)
            gap = np.linalg.norm(point - start - t * way)
            inside.append(gap < r0 + t * (r1 - r0))
        assert any(inside)


def test_the_box_is_that_of_the_capsules_ends(painted):
    *_, made, _ = painted
    g = np.asarray(made.shapes.geometry)
    low = np.concatenate([g[:, :2] - g[:, 4:5], g[:, 2:4] - g[:, 5:6]]).min(axis=0)
    high = np.concatenate([g[:, :2] + g[:, 4:5], g[:, 2:4] + g[:, 5:6]]).max(axis=0)
    np.testing.assert_allclose(made.box_px, [*low, *high], atol=1e-3)
    assert 80 < made.box_px[3] - made.box_px[1] < 130  # 900 px / 19 m * 2 m


def test_who_is_not_shown_is_transparent_and_all_parts_have_an_owner(painted):
    *_, made, gone = painted
    assert isinstance(made, athletes.Painted)
    assert (np.asarray(gone.shapes.alpha) == 0).all()
    assert (np.asarray(made.shapes.alpha) == 1).all()
    assert (np.asarray(made.shapes.value)[:, 3] == 7).all()
    colour = athletes.values(jnp.array([1.0, 2.0, 3.0]), 254)
    np.testing.assert_array_equal(colour, [1, 2, 3, 254, 0, 0, 0])
