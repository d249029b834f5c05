import jax
import numpy as np
import pytest

from bench import examples, models, programs, stages
from bench.models import Model
from ttjax.predictor.network import Network


def check(model, names):
    task = model.task()
    network = Network.of(task, models.variables(task), "float32")
    example = examples.example(task, batch_size=1, source_hw=models.QUICK_HW)
    found = stages.of(network, example, models.QUICK_HW)
    assert [stage.name for stage in found] == ["view", *names]
    whole = programs.build(network.answer, network.variables, example)
    jax.tree.map(
        lambda got, wanted: np.testing.assert_allclose(
            np.asarray(got, np.float32), np.asarray(wanted, np.float32), atol=1e-3
        ),
        found[-1](),
        whole(network.variables, example),
    )
    assert isinstance(found[0], stages.Stage)
    parts = sum(stage.program.gflop for stage in found[1:])
    assert parts == pytest.approx(whole.gflop, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "names"),
    [("ttnet", stages.TTNET), ("deepsportlab", stages.DEEPSPORTLAB)],
)
def test_the_parts_of_every_head_together_answer_as_the_whole(family, names):
    check(Model(family, quick=True), names)


def test_of_scenes_only_the_heads_that_are_there_are_parts():
    scenes = Model("deepsportlab", asked="ball", quick=True)
    assert "fields" in stages.DEEPSPORTLAB
    check(scenes, ("backbone", "fields", "decode"))


def test_the_parts_together_answer_as_the_whole(tiny):
    ball = ("global_encoder", "global_ball", "crop", "local", "decode")
    assert set(ball) < set(stages.TTNET)
    check(Model("ttnet"), ball)
