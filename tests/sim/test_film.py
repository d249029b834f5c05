import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.sim import film
from ttjax.sim.draws import Uniforms

COUNT = 4000


@pytest.fixture(scope="module")
def draw():
    """Compiled once for every variety and range of rates."""

    @jax.jit
    def run(keys, variety, low, high):
        return jax.vmap(
            lambda key: film.draw(Uniforms(key, film.DRAWS), variety, (low, high))
        )(keys)

    keys = jax.random.split(jax.random.key(0), COUNT)
    return lambda variety, low, high: run(
        keys, *(jnp.float32(value) for value in (variety, low, high))
    )


def _one(**changes):
    values = {
        "fps": 100.0,
        "exposure_s": 0.004,
        "readout_s": 0.0,
        "shake": np.zeros((2, 3)),
        "noise": 0.0,
        "flicker": 0.0,
        "mains": np.zeros(3),
        "gamma": 1.0,
        "gains": np.ones(3),
        "blur_px": 0.0,
        "compression": 0.0,
    } | changes
    return film.Film(**{k: jnp.asarray(v, jnp.float32) for k, v in values.items()})


def test_without_variety_it_is_the_film_of_the_real_recordings(draw):
    plain: film.Film = draw(0.0, 120.0, 120.0)
    np.testing.assert_array_equal(plain.fps, 120.0)
    share = np.asarray(plain.exposure_s * plain.fps)
    assert 0.15 <= share.min() < 0.16
    assert 0.54 < share.max() <= 0.55
    for name in ("readout_s", "blur_px", "compression"):
        np.testing.assert_array_equal(getattr(plain, name), 0.0)
    np.testing.assert_array_equal(plain.shake[..., 0], 0.0)
    np.testing.assert_array_equal(plain.mains[:, 0], 0.0)
    np.testing.assert_array_equal(plain.gamma, 1.0)
    np.testing.assert_array_equal(plain.gains, 1.0)
    assert 2.0 <= float(plain.noise.min()) <= float(plain.noise.max()) <= 3.2


def test_rates_are_those_of_cameras_and_exposures_drawn_apart(draw):
    varied = draw(1.0, 25.0, 240.0)
    rates = set(np.round(np.asarray(varied.fps), 3).tolist())
    assert rates == {rate for rate in film.RATES if rate >= 25.0}
    exposure = np.asarray(varied.exposure_s)
    assert (exposure <= film.LONGEST_SHARE / np.asarray(varied.fps) + 1e-7).all()
    slow = np.asarray(varied.fps) < 61
    assert exposure[slow].min() < 1.2 * film.EXPOSURE_S[0]
    assert exposure[slow].max() > 0.9 * film.EXPOSURE_S[1] * film.LONGEST_SHARE
    assert exposure.min() >= film.EXPOSURE_S[0]
    # Most are long ones: at 25 frames/s the median is 1 / 98 s.
    at_25 = np.asarray(draw(1.0, 25.0, 25.0).exposure_s)
    assert abs(np.median(at_25) * 98.0 - 1.0) < 0.12
    apart = np.corrcoef(np.log(exposure[slow]), np.log(np.asarray(varied.fps)[slow]))
    assert abs(apart[0, 1]) < 0.25
    one = draw(1.0, 33.0, 34.0)
    assert ((one.fps >= 33.0) & (one.fps <= 34.0)).all()
    alone = film.rate(jnp.float32(0.4), (120.0, 120.0))
    assert float(alone) == 120.0


def test_defects_become_more_frequent_with_variety(draw):
    shares = []
    for variety in (0.0, 0.5, 1.0):
        drawn = draw(variety, 25.0, 60.0)
        shares.append(
            [
                float((leaf > 0.0).mean())
                for leaf in (
                    drawn.readout_s,
                    drawn.shake[:, 0, 0],
                    drawn.mains[:, 0],
                    drawn.blur_px,
                    drawn.compression,
                )
            ]
        )
    assert np.all(np.diff(shares, axis=0) > 0.1)
    assert np.all(np.array(shares[2]) > 0.3)
    assert float(drawn.shake[:, :, 0].max()) <= film.SHAKE
    assert float(drawn.readout_s.max()) <= film.READOUT_S[1] + 1e-6
    rates_hz = np.unique(np.asarray(drawn.mains[:, 1]))
    np.testing.assert_array_equal(rates_hz, film.MAINS_HZ)


def test_a_picture_shakes_by_its_amplitude_and_not_on_average():
    shake = np.array([[0.002, 9.0, 0.3], [0.001, 5.0, 1.0]])
    camera = _one(shake=shake)
    seconds = jnp.linspace(0.0, 40.0, 4001)
    way = jax.vmap(lambda t: film.shift_px(camera, t, 1920.0))(seconds)
    reach = np.abs(np.asarray(way)).max(axis=0)
    assert (reach <= [3.84 + 1e-3, 1.92 + 1e-3]).all()
    assert (reach > [3.0, 1.5]).all()
    assert (np.abs(np.asarray(way).mean(axis=0)) < 0.1).all()
    still = film.shift_px(_one(), jnp.float32(1.3), 1920.0)
    np.testing.assert_array_equal(still, 0.0)


def test_rows_of_a_rolling_shutter_follow_each_other():
    camera = _one(readout_s=0.02)
    y = jnp.array([0.0, 270.0, 540.0, 1080.0])
    np.testing.assert_allclose(
        film.row_s(camera, y, 1080.0), [-0.01, -0.005, 0.0, 0.01], atol=1e-7
    )


def test_lamps_equal_the_mean_of_their_sine_over_the_exposure():
    camera = _one(exposure_s=0.006, mains=np.array([0.2, 100.0, 0.4]))
    for middle in (0.0, 0.0131, 0.25, 1.7):
        at = middle + np.linspace(-0.003, 0.003, 20001)
        oracle = np.mean(1.0 + 0.2 * np.sin(2 * np.pi * 100.0 * at + 0.4))
        got = float(film.lamps(camera, jnp.float32(middle)))
        assert got == pytest.approx(oracle, abs=2e-4)
    # A whole period of exposure sees no flicker.
    whole = _one(exposure_s=0.01, mains=np.array([0.2, 100.0, 0.4]))
    assert float(film.lamps(whole, jnp.float32(0.123))) == pytest.approx(1.0, abs=1e-4)


def test_tones_are_gains_and_then_a_power():
    colour = jnp.asarray(np.random.default_rng(0).uniform(1, 200, (50, 3)), jnp.float32)
    np.testing.assert_array_equal(film.tone(_one(), colour), colour)
    gains = np.array([1.1, 1.0, 0.8])
    found = film.tone(_one(gamma=0.8, gains=gains), colour)
    want = 255.0 * (np.asarray(colour) * gains / 255.0) ** 0.8
    np.testing.assert_allclose(found, want, rtol=1e-5)


def test_a_codec_keeps_the_means_of_blocks_and_drops_small_details():
    random = np.random.default_rng(1)
    flat = np.repeat(np.repeat(random.integers(20, 200, (3, 2, 3)), 8, 1), 8, 2)
    small = flat + random.uniform(-0.5, 0.5, flat.shape)
    levels = jnp.asarray(np.round(small * film.FIXED), jnp.int32)
    found = np.asarray(film.compress(_one(compression=8.0), levels)) / film.FIXED

    def means(values):
        return values.reshape(3, 2, 8, 3, 8).mean(axis=(2, 4))

    np.testing.assert_allclose(means(found), means(small), atol=0.1)
    assert found.std(axis=(1, 2)).max() > 1
    blocks = found.reshape(3, 2, 8, 3, 8)
    assert np.ptp(blocks, axis=(2, 4)).max() < 0.1


def test_noise_is_as_strong_as_the_film_says_and_keyed_by_pixel():
    planes = jnp.full((3, 64, 96), int(100 * film.FIXED), jnp.int16)

    def shot(x_from, seed, noise):
        return np.asarray(
            film.expose(
                _one(noise=noise),
                planes,
                x_from + jnp.arange(96, dtype=jnp.float32) + 0.5,
                jnp.arange(64, dtype=jnp.float32) + 0.5,
                seconds=jnp.float32(0.1),
                height=jnp.float32(1080.0),
                seed=jnp.uint32(seed),
                area=jnp.float32(1.0),
                compressed=False,
            )
        ).astype(float)

    assert (shot(0, 1, 0.0) == 100).all()
    noisy = shot(0, 1, 3.0)
    assert abs(noisy.mean() - 100) < 0.2
    assert abs(noisy.std() - 3.0) < 0.2
    np.testing.assert_array_equal(shot(16, 1, 3.0)[:, :-16], noisy[:, 16:])
    assert (shot(0, 2, 3.0) != noisy).mean() > 0.5
