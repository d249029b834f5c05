"""Four scenes of a court are learnt by heart: every part of the family at once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.deepsportlab.answers import STILL
from ttjax.deepsportlab import config, joints
from ttjax.deepsportlab.decoder import Decoder
from ttjax.deepsportlab.task import Task
from ttjax.losses.weighting import Fixed
from ttjax.recipe import Adam, Cosine, Phase, Recipe
from ttjax.samples import VISIBLE
from ttjax.scenes import SEEN
from ttjax.sim.court_data import CourtSimulation
from ttjax.train import state, step

PLAYERS, STEPS = 8, 500
WEIGHTS = {"parts": 1.0, "centre": 2.0, "ball": 10.0, "semantic": 4.0, "offset": 20.0}


def trained(task, batch, data):
    """Predictions for the batch after `STEPS` steps on nothing else."""
    recipe = Recipe(
        task=task,
        data=data,
        phases=(Phase(steps=STEPS, learning_rate=4e-3, schedule=Cosine()),),
        weighting=Fixed(WEIGHTS),
        optimizer=Adam(clip_norm=5.0),
        batch_size=4,
    )
    (phase,) = recipe.phases
    params, others = state.initial(recipe, jax.random.key(0))
    now = state.begin_phase(recipe, phase, params, others, step=0, ema=None)
    now = jax.tree.map(jnp.array, now)
    advance = jax.jit(step.make_train_step(recipe, phase, now.params), donate_argnums=0)
    for number in range(STEPS):
        now, _ = advance(now, batch, np.float32(number / STEPS))
    inputs = task.inputs(batch, None, jnp.ones(()))
    variables = {"params": now.params["model"], **now.collections}

    @jax.jit
    def predict(variables, inputs):
        return task.decode(task.config.model.apply(variables, inputs), inputs)

    return jax.tree.map(np.asarray, predict(variables, inputs))


def mask_iou(one, other):
    return (one & other).sum() / max((one | other).sum(), 1)


def oks(found_px, score, truth_px, seen, box_px):
    """COCO's, over the joints that are seen; one that is not found counts nothing."""
    area = 0.53 * np.prod(box_px[2:] - box_px[:2])
    square = ((found_px - truth_px) ** 2).sum(-1)
    each = np.exp(-square / (8 * area * np.asarray(joints.SIGMAS) ** 2 + 1e-9))
    return np.where(score > 0, each, 0)[seen].mean()


@pytest.mark.slow
def test_four_scenes_are_learnt_by_heart():
    data = CourtSimulation(players=PLAYERS, people=(3, 6), span_m=(6.0, 8.0))
    task = Task(
        config=config.nano(players=PLAYERS),
        loss_terms=tuple(WEIGHTS),
        teach_covered=False,
        augmentation=STILL,
        decoder=Decoder(players=PLAYERS),
    )
    batch = next(iter(data.validation(task.sample, batch_size=4)))
    batch = jax.tree.map(np.asarray, batch)
    found, labels = trained(task, batch, data), batch.labels
    ids, stride = labels.ids, task.config.map_stride
    similarities, seen_balls = [], 0
    for scene in range(4):
        rows = np.flatnonzero(labels.players[scene])
        area = np.array([(ids[scene] == row + 1).sum() for row in rows])
        rows = rows[area >= task.decoder.min_area_px]
        assert found.present[scene].sum() >= len(rows) > 0
        for row in rows:
            mask = ids[scene, ::stride, ::stride] == row + 1
            ious = [mask_iou(mask, found.ids[scene] == n + 1) for n in range(PLAYERS)]
            best = int(np.argmax(ious))
            assert ious[best] > 0.5, (scene, row, ious)
            seen = labels.joint_state[scene, row] == SEEN
            similarities.append(
                oks(
                    found.joints_px[scene, best],
                    found.joint_score[scene, best],
                    labels.joints_px[scene, row],
                    seen,
                    labels.box_px[scene, row],
                )
            )
        if labels.ball_state[scene] == VISIBLE:
            off = found.ball_px[scene] - labels.ball_xy_px[scene]
            assert np.hypot(*off) < 2
            seen_balls += 1
    print("OKS", np.round(similarities, 3))
    assert np.mean(similarities) > 0.9
    assert seen_balls > 0
