import numpy as np

from bench import baselines, beside, examples, models
from bench.models import Model
from ttjax.timing import Timing


def test_ratios_are_ours_over_theirs():
    took = {
        beside.OURS: Timing(0.0, np.array([3.0])),
        "torch": Timing(0.0, np.array([2.0])),
    }
    row = beside.row(took, {"torch": 0.1})
    assert row["ratio"] == {"torch": 1.5}
    assert row["baseline_ms"] == {"torch": 2.0}
    assert row["baseline_difference"] == {"torch": 0.1}
    assert beside.row({beside.OURS: took[beside.OURS]}, {}) == {}


def test_slow_calls_take_turns_more_often():
    order = []
    theirs = {"theirs": lambda: order.append("b")}
    took = beside.timed(lambda: order.append("a"), theirs, calls=10, seconds=9.0)
    assert [len(took[name].calls_ms) for name in (beside.OURS, "theirs")] == [10, 10]
    assert "".join(order).endswith(2 * (6 * "a" + 6 * "b"))


class Fake:
    """A network of someone else whose answers are off by a half."""

    def __init__(self, outputs):
        self.outputs = lambda: {name: of + 0.5 for name, of in outputs.items()}
        self.call = lambda: None


def test_outputs_are_compared_and_what_fails_is_left_out(monkeypatch, capsys):
    model = Model("deepsportlab", asked="ball", quick=True)
    variables = models.variables(model.task())
    example = examples.example(model.task(), batch_size=1, source_hw=models.QUICK_HW)
    ours = beside._outputs(model, variables, example)
    assert "ball.confidence" in ours

    def build(name, family, config, given, seen):
        assert family == "deepsportlab"
        assert config.heads == ("ball",)
        assert isinstance(seen.image, np.ndarray)
        if name == "broken":
            raise RuntimeError("no compiler")
        return Fake(ours)

    monkeypatch.setattr(baselines, "build", build)
    calls, distance = beside.calls(["works", "broken"], model, variables, example)
    assert set(calls) == {"works"}
    assert distance == {"works": 0.5}
    assert "broken is left out: no compiler" in capsys.readouterr().err
