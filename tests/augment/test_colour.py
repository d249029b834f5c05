import jax
import jax.numpy as jnp
import numpy as np

from ttjax.augment import colour

RAMP = jnp.broadcast_to(
    jnp.arange(256, dtype=jnp.uint8)[None, None, :, None], (3, 1, 256, 3)
)
jitted_gain = jax.jit(colour.gain)


def test_gain_is_one_line_for_all_frames_and_scales():
    images = jitted_gain(jax.random.key(0), {"frames": RAMP, "canvas": RAMP[:, :, ::2]})
    frames, canvas = np.asarray(images["frames"]), np.asarray(images["canvas"])
    assert frames.dtype == np.uint8
    np.testing.assert_array_equal(frames[0], frames[1])
    np.testing.assert_array_equal(frames[0], frames[2])
    np.testing.assert_array_equal(canvas, frames[:, :, ::2])
    assert (np.diff(frames[0, 0].astype(int), axis=0) >= 0).all()
    assert (frames[0] != np.asarray(RAMP)[0]).any()


def test_gain_of_nothing_changes_nothing():
    same = colour.gain(
        jax.random.key(0), RAMP, brightness=0.0, contrast=0.0, channel=0.0
    )
    np.testing.assert_array_equal(same, RAMP)


def test_gain_is_the_formula_and_saturates():
    key = jax.random.key(4)
    got = colour.gain(key, RAMP, brightness=0.0, contrast=0.9, channel=0.0)
    row = np.asarray(got)[0, 0, :, 0].astype(float)
    steep = np.median(np.diff(row[100:156]))
    _, contrast_key, _ = jax.random.split(key, 3)
    factor = float(jax.random.uniform(contrast_key, minval=0.1, maxval=1.9))
    expected = np.clip((np.arange(256) - 127.5) * factor + 127.5, 0, 255)
    np.testing.assert_allclose(row, expected, atol=0.51)
    assert abs(steep - factor) < 1
    bright = colour.gain(jax.random.key(1), RAMP, brightness=0.9, contrast=0.9)
    assert np.asarray(bright).max() <= 255


def test_gain_follows_its_key():
    first = jitted_gain(jax.random.key(0), RAMP)
    np.testing.assert_array_equal(first, jitted_gain(jax.random.key(0), RAMP))
    eager = colour.gain(jax.random.key(0), RAMP)
    assert np.abs(np.asarray(first, int) - np.asarray(eager, int)).max() <= 1
    assert (np.asarray(first) != np.asarray(jitted_gain(jax.random.key(1), RAMP))).any()


def test_hue_turn_is_a_rotation_that_leaves_greys_alone():
    turn = np.asarray(colour.hue_turn(jnp.float32(0.7)), np.float64)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(turn) > 0
    np.testing.assert_allclose(turn @ np.ones(3), np.ones(3), atol=1e-6)
    third = np.asarray(colour.hue_turn(jnp.float32(2 * np.pi / 3)))
    np.testing.assert_allclose(third @ [1, 0, 0], [0, 1, 0], atol=1e-6)


def test_gain_turns_hues_by_the_matrix_and_keeps_greys():
    rng = np.random.default_rng(0)
    image = rng.integers(60, 190, (2, 4, 5, 3)).astype(np.uint8)
    key = jax.random.key(2)
    off = {"brightness": 0.0, "contrast": 0.0, "channel": 0.0}
    got = colour.gain(key, jnp.asarray(image), hue_deg=40.0, **off)
    most = np.deg2rad(40.0)
    angle = jax.random.uniform(jax.random.fold_in(key, 3), minval=-most, maxval=most)
    expected = image.astype(float) @ np.asarray(colour.hue_turn(angle)).T
    np.testing.assert_allclose(got, np.clip(expected, 0, 255), atol=0.51)
    grey = colour.gain(key, RAMP, hue_deg=40.0, **off)
    np.testing.assert_array_equal(grey, RAMP)
