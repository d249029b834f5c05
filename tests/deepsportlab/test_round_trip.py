"""What encodes and what decodes agree: perfect outputs give every player back."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.deepsportlab import players
from ttjax.deepsportlab import decode, pif_targets, targets
from ttjax.deepsportlab.arrays import Inputs, Outputs, Pif
from ttjax.deepsportlab.targets import InstanceScale, PaperScale

HW = (641, 641)
SEEDS = (0, 1, 2)
SURE = 8.0


def as_pif(target: pif_targets.PifTarget) -> Pif:
    """What a field that has learnt everything would say."""
    sure = jnp.where(target.confidence, SURE, -SURE)
    return Pif(
        confidence=sure,
        vector=target.vector,
        log_spread=jnp.zeros_like(sure),
        log_scale=jnp.log(target.scale),
    )


@functools.partial(jax.jit, static_argnames=("scale", "teach_covered"))
def there_and_back(labels, scale, teach_covered):
    count = labels.ids.shape[0]
    valid_hw = jnp.tile(jnp.array(HW, jnp.int32)[None], (count, 1))
    made: Any = targets.build(
        labels,
        valid_hw,
        pif_stride=8,
        map_stride=2,
        scale=scale,
        teach_covered=teach_covered,
    )
    outputs = Outputs(
        parts=as_pif(made.parts),
        centre=as_pif(made.centre),
        ball=as_pif(made.ball),
        semantic=SURE * jax.nn.one_hot(made.masks.semantic, 3),
        offset=made.masks.offset,
    )
    inputs = Inputs(
        image=jnp.zeros((count, *HW, 3), jnp.uint8),
        valid_hw=valid_hw,
        to_source=jnp.ones((count, 2)),
    )
    return decode.predictions(outputs, inputs)


@pytest.fixture(scope="module")
def crowds():
    return [players.crowd(np.random.default_rng(seed), HW) for seed in SEEDS]


@pytest.fixture(scope="module", params=[True, False], ids=["all", "uncovered"])
def taught(request):
    """Whether joints behind somebody else are taught."""
    return request.param


@pytest.fixture(scope="module")
def found(taught, crowds):
    # The scales of the paper with the joints of the paper.
    scale = PaperScale() if taught else InstanceScale()
    each = [jax.tree.map(jnp.asarray, players.labels(made)) for made in crowds]
    batch = jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
    return jax.device_get(there_and_back(batch, scale, taught))


def rows_of(made, found, index):
    """The row whose centre is each player's, or -1."""
    rows = []
    for centre in made.centre_px:
        gap = np.hypot(*(found.centre_px[index] - centre).T)
        gap[~found.present[index]] = np.inf
        rows.append(int(gap.argmin()) if gap.min() < 2.0 else -1)
    return np.array(rows)


def owners(made):
    """Whose mask, as the map of stride 2 has it, each joint lies on; -1: nobody's."""
    ids = made.ids[::2, ::2].astype(int)
    at = np.round((made.joints_px - 0.5) / 2).astype(int)
    inside = ((at >= 0) & (at < np.array(ids.shape[::-1]))).all(-1)
    at = np.where(inside[..., None], at, 0)
    row = ids[at[..., 1], at[..., 0]] - 1
    return np.where(inside & (row < len(row)), row, -1)


def contested(made, taught):
    """Joints on whose player's mask another player's joint of that kind is found too.

    A mask cannot tell which of the two is its player's.
    """
    row, result = owners(made), np.zeros(made.visible.shape, bool)
    for i, k in zip(*np.nonzero(row != np.arange(len(row))[:, None]), strict=True):
        if row[i, k] >= 0 and (taught or made.visible[i, k]):
            result[row[i, k], k] = True
    return result


def test_every_picture_is_crowded(crowds):
    for made in crowds:
        assert len(made.box_px) == 17
        assert len(players.overlapping(made)) >= 8


def test_every_clear_joint_is_found_to_half_a_pixel_with_its_player(
    crowds, found, taught, record_property
):
    counts = dict.fromkeys(("clear", "hidden", "edge", "contested", "lost"), 0)
    for index, made in enumerate(crowds):
        rows, asked = rows_of(made, found, index), players.clear(made)
        kept = (made.area_px >= 100) & (asked.sum(1) >= 5)
        asked &= kept[:, None]
        edge = asked & (owners(made) != np.arange(len(rows))[:, None])
        double = asked & ~edge & contested(made, taught)
        miss = np.linalg.norm(found.joints_px[index, rows] - made.joints_px, axis=-1)
        right = (found.joint_score[index, rows] > 0.1) & (miss < 0.5)
        right &= (rows >= 0)[:, None]
        wrong = asked & ~edge & ~double & ~right
        assert not wrong.any(), (index, np.argwhere(wrong))
        counts["clear"] += asked.sum()
        counts["hidden"] += (~made.visible).sum()
        counts["edge"] += edge.sum()
        counts["contested"] += double.sum()
        counts["lost"] += (asked & ~right).sum()
    for name, count in counts.items():
        record_property(name, int(count))
    print({name: int(count) for name, count in counts.items()})
    assert counts["clear"] > 700  # of 867 joints
    assert counts["hidden"] > 50
    # Half a pixel of the map decides about them.
    assert counts["edge"] < 0.01 * counts["clear"]
    assert counts["contested"] < (0.15 if taught else 0.01) * counts["clear"]


def test_no_player_who_can_be_seen_is_lost_or_made_up(crowds, found):
    for index, made in enumerate(crowds):
        rows = rows_of(made, found, index)
        kept = (made.area_px >= 100) & (players.clear(made).sum(1) >= 5)
        assert kept.sum() >= 9
        assert (rows[kept] >= 0).all()
        assert len(set(rows[kept])) == kept.sum()
        assert found.present[index].sum() <= len(made.box_px)


def test_masks_and_ball_come_back(crowds, found):
    for index, made in enumerate(crowds):
        rows = rows_of(made, found, index)
        ids = made.ids[::2, ::2]
        for player, row in enumerate(rows):
            if row < 0 or made.area_px[player] < 100:
                continue
            own, got = ids == player + 1, found.ids[index] == row + 1
            assert (own & got).sum() / (own | got).sum() > 0.95
        np.testing.assert_allclose(found.ball_px[index], made.ball_px, atol=0.5)
        assert found.ball_score[index] > 0.1
    assert not found.overflow.cells.any()
    assert not found.overflow.players.any()
