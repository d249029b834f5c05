import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax.sim import strokes
from ttjax.sim.strokes import Aims

COUNT = 4000


@pytest.fixture(scope="module")
def uniform():
    return jax.random.uniform(jax.random.key(0), (COUNT, strokes.NUMBERS))


def test_plain_play_knows_serves_and_drives_with_the_shares_of_the_table(uniform):
    aims, answers = strokes.aims(uniform, 0.0)
    assert (np.asarray(answers)[:, : strokes.WARM_UP] == strokes.DRIVE).all()
    drives: Aims = jax.tree.map(lambda leaf: np.asarray(leaf)[:, strokes.DRIVE], aims)
    low = (drives.clearance_m < 0.02).mean()
    assert low == pytest.approx(strokes.LOW_SHARE * 0.96, abs=0.02)
    long = drives.depth_m > strokes.HALF_M
    assert long.mean() == pytest.approx(strokes.LONG_SHARE, abs=0.01)
    assert np.abs(drives.across_m).max() < strokes.SIDE_M
    missed = (drives.luck < strokes.MISS_SHARES[strokes.DRIVE]).mean()
    assert missed == pytest.approx(0.07, abs=0.015)


def test_more_variety_brings_more_kinds_and_more_faults(uniform):
    shares, wide = [], []
    for variety in (0.0, 0.5, 1.0):
        aims, answers = strokes.aims(uniform, jnp.float32(variety))
        against = np.asarray(answers)[:, strokes.DRIVE]
        shares.append((against != strokes.DRIVE).mean())
        across = np.abs(np.asarray(aims.across_m)[:, strokes.DRIVE])
        wide.append((across > strokes.SIDE_M).mean())
    total = sum(share for share, _ in strokes.REPLIES[strokes.DRIVE])
    assert shares == pytest.approx([0.0, total / 2, total], abs=0.03)
    assert wide == pytest.approx([0.0, 0.015, 0.03], abs=0.01)


def test_answers_have_their_shares_for_every_kind(uniform):
    _, answers = strokes.aims(uniform, 1.0)
    for kind, row in enumerate(strokes.REPLIES[: strokes.WARM_UP]):
        for share, reply in row:
            seen = (np.asarray(answers)[:, kind] == reply).mean()
            assert seen == pytest.approx(share, abs=0.03)
    assert (np.asarray(answers)[:, strokes.WARM_UP] == strokes.WARM_UP).all()


def test_two_who_warm_up_make_no_faults(uniform):
    aims, _ = strokes.aims(uniform, 1.0)
    calm = jax.tree.map(lambda leaf: np.asarray(leaf)[:, strokes.WARM_UP], aims)
    assert calm.depth_m.max() < strokes.HALF_M
    assert calm.clearance_m.min() > 0.03


def test_a_number_is_stretched_to_its_limits():
    value = strokes.between((2.0, 4.0), jnp.array([0.0, 0.5]))
    np.testing.assert_allclose(value, [2.0, 3.0])
