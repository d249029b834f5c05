import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.geometry import camera as pinhole
from ttjax.sim import body, camera
from ttjax.sim.draws import Uniforms

HUMANS = 5


@pytest.fixture(scope="module")
def views():
    """A camera of every rig."""

    def draw(rig):
        draws = Uniforms(jax.random.key(2), 100)
        return camera.draw(draws, camera.SOURCE_HW, rig, jnp.float32(0.0))

    rigs = jnp.arange(len(camera.RIGS))
    drawn = jax.jit(jax.vmap(draw))(rigs)
    return [jax.tree.map(lambda leaf, k=k: leaf[k], drawn) for k in range(len(rigs))]


def _person(handed=1.0):
    rows = jnp.arange(len(body.LOOKS), dtype=jnp.float32)
    return body.Person(
        colours=jnp.broadcast_to(20.0 * rows[:, None], (len(body.LOOKS), 3)),
        height=jnp.float32(1.0),
        handed=jnp.float32(handed),
    )


@jax.jit
def _player(view, root, hand, side, handed):
    return body.player(view, root, hand, side, jnp.float32(0.4), _person(handed))


def _draw(view, root=(1.8, 0.2), hand=(1.45, 0.1, 1.0), side=1.0, handed=1.0):
    return _player(
        view, jnp.array(root), jnp.array(hand), jnp.float32(side), jnp.float32(handed)
    )


def _is(shapes, look):
    return np.asarray(shapes.value)[:, 0] == 20.0 * body.LOOKS.index(look)


def _middle(shapes, chosen):
    return np.asarray(shapes.geometry)[chosen, :4].reshape(-1, 2, 2).mean(axis=(0, 1))


def test_bent_limbs_have_their_lengths_and_reach_what_they_can():
    root = jnp.zeros((2, 3))
    tip = jnp.array([[0.3, 0.1, -0.4], [2.0, 0.0, 0.0]])
    hint = jnp.array([[0.0, 1.0, 0.0]] * 2)
    joint, reached = jax.jit(body.bend)(root, tip, 0.4, 0.35, hint)
    np.testing.assert_allclose(np.linalg.norm(joint, axis=1), 0.4, atol=1e-3)
    lower = np.linalg.norm(np.asarray(joint - reached), axis=1)
    np.testing.assert_allclose(lower, 0.35, atol=1e-3)
    np.testing.assert_allclose(reached[0], tip[0], atol=1e-3)
    assert abs(float(reached[1, 0]) - 0.995 * 0.75) < 1e-3
    assert float(joint[0, 1]) > 0.0


def test_a_player_holds_the_racket_where_it_should_be_and_stands_on_the_floor(views):
    for view in views:
        shapes = _draw(view)
        assert shapes.alpha.shape == (body.PLAYER_SHAPES,)
        assert np.isfinite(np.asarray(shapes.geometry)).all()
        assert (np.asarray(shapes.value)[:, HUMANS] == 255.0).all()
        racket = _middle(shapes, _is(shapes, "forehand") | _is(shapes, "backhand"))
        at, depth = pinhole.project(view, jnp.array([1.45, 0.1, 1.0]))
        scale = float(view.focal_px) / float(depth)
        assert np.linalg.norm(racket - np.asarray(at)) < 0.05 * scale
        feet = np.asarray(shapes.box)[_is(shapes, "shoe")]
        floor = np.asarray(pinhole.project(view, jnp.array([1.8, 0.2, 0.0]))[0])
        assert abs(feet[:, 3].max() - floor[1]) < 0.4 * scale
        head = np.asarray(shapes.box)[_is(shapes, "hair")]
        tall = floor[1] - head[:, 1].min()
        assert 1.1 * scale < tall < 2.0 * scale
        # Far out of reach: still a body.
        far = _draw(view, hand=(-3.0, 0.0, 1.0))
        assert np.isfinite(np.asarray(far.geometry)).all()


def test_shoes_and_socks_are_where_the_ankles_are(views):
    where = jax.jit(body.ankles)
    one, crouch = jnp.float32(1.0), jnp.float32(0.4)
    ankles = np.asarray(where(jnp.array([1.8, 0.2]), one, crouch, one))
    np.testing.assert_allclose(ankles.mean(axis=0), [1.8, 0.2, 0.085], atol=1e-6)
    left = np.asarray(where(jnp.array([1.8, 0.2]), one, crouch, -one))
    assert (ankles[0, 1] - 0.2) * (left[0, 1] - 0.2) < 0.0
    for view in views:
        shapes = _draw(view)
        at, depth = pinhole.project(view, jnp.asarray(ankles))
        scale = float(view.focal_px) / np.asarray(depth).min()
        for look in ("shoe", "sock"):
            boxes = np.asarray(shapes.box)[_is(shapes, look)].reshape(2, 2, 2)
            gap = boxes.mean(axis=1)[:, None] - np.asarray(at)[None]
            assert np.linalg.norm(gap, axis=-1).min(axis=1).max() < 0.15 * scale


def test_players_face_each_other_and_hold_rackets_in_their_own_hands(views):
    side = views[camera.RIGS.index("side")]
    left = _draw(side, root=(-1.8, 0.0), hand=(-1.4, 0.0, 1.0), side=-1.0)
    right = _draw(side)
    for shapes, sign in ((left, 1.0), (right, -1.0)):
        hair = _middle(shapes, _is(shapes, "hair"))
        shirt = _middle(shapes, _is(shapes, "shorts"))
        # The head is before the hips.
        assert sign * (hair[0] - shirt[0]) > 0.0
    # A right-hander and a left-hander are mirror images.
    view = pinhole.look(
        jnp.array([6.0, 0.0, 1.5]),
        yaw=jnp.float32(-np.pi / 2),
        pitch=jnp.float32(0.1),
        roll=jnp.float32(0.0),
        focal_px=jnp.float32(900.0),
        centre_px=jnp.array([0.0, 360.0]),
    )
    one = _draw(view, root=(1.8, 0.0), hand=(1.45, 0.2, 1.0))
    other = _draw(view, root=(1.8, 0.0), hand=(1.45, -0.2, 1.0), handed=-1.0)
    for look in ("shoe", "hair", "shorts", "sleeve"):
        ours, theirs = (_middle(s, _is(s, look)) for s in (one, other))
        np.testing.assert_allclose(ours * [-1, 1], theirs, atol=1.0)


def test_limbs_are_painted_from_far_to_near(views):
    for view in views:
        shapes = _draw(view)
        sleeves = np.flatnonzero(_is(shapes, "sleeve"))
        shirt = np.flatnonzero(_is(shapes, "shirt"))
        assert sleeves.max() > shirt.min()
    behind = views[camera.RIGS.index("behind")]
    sign = float(np.sign(np.asarray(behind.position_m)[0]))
    away = _draw(behind, root=(1.8 * sign, 0.0), hand=(1.4 * sign, 0, 1), side=sign)
    towards = _draw(
        behind, root=(-1.8 * sign, 0.0), hand=(-1.4 * sign, 0, 1), side=-sign
    )

    def face(shapes):
        """Place in the list of the lowest skin of the head, and of the hair."""
        return (
            np.flatnonzero(_is(shapes, "hair")).max(),
            list(np.flatnonzero(_is(shapes, "skin"))),
        )

    hair, skins = face(away)
    heads = np.asarray(away.box)[skins, 1]
    assert hair > skins[int(np.argmin(heads))]
    hair, skins = face(towards)
    heads = np.asarray(towards.box)[skins, 1]
    assert hair < skins[int(np.argmin(heads))]


def test_only_what_is_low_behind_the_table_is_hidden_by_it(views):
    side = views[camera.RIGS.index("side")]
    ends = jnp.array(
        [
            [[0.5, 1.0, 0.2], [0.5, 1.0, 0.5]],
            [[0.5, -1.2, 0.2], [0.5, -1.2, 0.5]],
            [[0.5, 0.2, 1.1], [0.5, 0.2, 1.3]],
        ]
    )
    flags = np.asarray(body.hides(side, ends))
    np.testing.assert_array_equal(flags[1:, 0], 0.0)
    under = jnp.array([[[0.5, 0.5, 0.65], [0.5, 0.5, 0.2]]])
    assert float(body.hides(side, under)[0, 0]) == 1.0
    beyond = float(side.position_m[0]) < 0.0
    np.testing.assert_array_equal(flags[:, 1], float(beyond))


def test_a_shadow_lies_below_the_feet(views):
    for view in views:
        spots = jax.jit(body.shadow)(view, jnp.array([-1.8, 0.1]))
        assert spots.alpha.shape == (body.SHADOW_SHAPES,)
        assert (np.asarray(spots.value)[:, 3:] == 0.0).all()
        assert (np.asarray(spots.alpha) < 0.4).all()
        at, _ = pinhole.project(view, jnp.array([-1.8, 0.1, 0.0]))
        centre = np.asarray(spots.box).reshape(-1, 2, 2).mean(axis=1)
        np.testing.assert_allclose(
            centre, np.broadcast_to(at, centre.shape), atol=0.2 * float(view.focal_px)
        )


def test_an_official_sits_at_the_seat(views):
    seat = jnp.array([0.0, 2.8, 0.62])
    colours = jnp.full((len(body.LOOKS), 3), 90.0)
    shapes = body.official(views[0], seat, jnp.array([0.0, -1.0]), colours)
    assert shapes.alpha.shape == (body.OFFICIAL_SHAPES,)
    at = np.asarray(pinhole.project(views[0], seat)[0])
    box = np.asarray(shapes.box)
    assert box[:, 0].min() < at[0] < box[:, 2].max()
    assert box[:, 1].min() < at[1]
