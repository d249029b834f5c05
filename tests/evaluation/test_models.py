import types
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from tests import brightest
from ttjax.evaluation.models import ByModel, Pictures
from ttjax.evaluation.rivals import Rival
from ttjax.evaluation.scoring import evaluate
from ttjax.predictor import Predictor, Stream
from ttjax.samples import Window
from ttjax.scenes import Scene, SceneSpec


class Table:
    """The labels of one picture: its mean grey."""

    length = 1

    def __init__(self, value):
        self.value = value

    def example_labels(self, number):
        return {"mean": np.float32(self.value)}


class Picture:
    """A recording of one grey picture."""

    fps = 1.0

    def __init__(self, name, size_hw, value):
        self.name, self.size_hw, self.value = name, size_hw, value
        self.labels = Table(value)

    def frames(self):
        yield np.full((*self.size_hw, 3), self.value, np.uint8)


class Errors:
    """Of answers, and how large their pictures were."""

    def __init__(self):
        self.errors, self.sizes = [], []

    def add(self, predictions, labels, *, clip):
        self.errors.append(float(predictions["mean"][0] - labels["mean"][0]))
        self.sizes.append(predictions["source_hw"][0].tolist())

    def merge(self, other):
        pytest.fail("not a part of what is tested here")

    def table(self):
        return {"error": {"value": max(map(abs, self.errors)), "n": len(self.errors)}}


class Greys:
    """A family that says how grey a picture is; counts how often it is traced."""

    def __init__(self, gain=1.0):
        self.sample = SceneSpec((16, 24), players=1)
        self.window, self.traced = Window(1), 0
        model = types.SimpleNamespace(apply=self.apply)
        self.config = types.SimpleNamespace(model=model)
        self.gain = gain

    def inputs(self, batch: Scene, key, progress):
        return batch

    def apply(self, variables, inputs):
        self.traced += 1
        h, w = inputs.valid_hw[0]
        total = inputs.image.astype(jnp.float32).sum((1, 2)).mean(-1)
        return self.gain * total / (h * w)

    def decode(self, outputs, inputs):
        size = inputs.to_source * inputs.valid_hw[:, ::-1]
        return {"mean": outputs, "source_hw": size[:, ::-1]}

    def for_inference(self, variables, dtype):
        return self, variables

    def evaluator(self):
        return Errors()

    loss_terms = ()

    def unused(self, *arguments):
        pytest.fail("not a part of what is tested here")

    spec = augment = targets = losses = metrics = records = overlay = unused


def predictor_of(task: Any) -> Predictor:
    return Predictor(task, {})


def test_pictures_of_all_sizes_share_one_compiled_network():
    task = Greys()
    model = ByModel(predictor_of(task))
    assert isinstance(model, Rival)
    sizes = ((16, 24), (32, 30), (17, 60), (20, 20))
    for value, size_hw in enumerate(sizes, 100):
        stream = model.open(Picture("a", size_hw, value))
        assert isinstance(stream, Pictures)
        (frame,) = Picture("a", size_hw, value).frames()
        found = stream.push(frame, masks=True)
        frame[:] = 0  # the caller may write into his own
        np.testing.assert_allclose(found["mean"], value, rtol=1e-6)
        np.testing.assert_allclose(found["source_hw"][0], size_hw, rtol=1e-6)
    assert task.traced == 1
    with pytest.raises(ValueError, match="enlarge it"):
        model.open(Picture("a", (15, 15), 1))


def test_videos_are_streamed_as_by_the_predictor():
    task = brightest.Task(brightest.Config(window=Window(3)))
    model = ByModel(Predictor(task, brightest.VARIABLES))
    clip = brightest.Clip("a", *brightest.video(5))
    stream = model.open(clip)
    assert isinstance(stream, Stream)
    found = [stream.push(frame) for frame in clip.frames()]
    assert [one is None for one in found] == [True, True, False, False, False]
    result = evaluate(model.predictor, [clip], rivals={"again": model})
    assert result.scores["area"]["n"] > 0, "masks as well"
    assert result.rivals["again"] == result.scores


def test_pictures_are_counted_in_an_evaluation():
    task, other, swapped = Greys(), Greys(gain=0.5), Errors()
    given = [Picture(f"{side}", (side, 24), side) for side in range(16, 22)]
    result = evaluate(
        predictor_of(task),
        given,
        rivals={"half": ByModel(predictor_of(other))},
        others={"oracle": swapped},
    )
    assert task.traced == other.traced == 1
    assert result.scores["error"] == {"value": pytest.approx(0, abs=1e-4), "n": 6}
    assert result.rivals["half"]["error"]["value"] == pytest.approx(10.5)
    assert result.rivals["oracle"] == result.scores
    assert swapped.sizes[3] == pytest.approx([19, 24])
    assert result.table()[0][-3:] == ["oracle", "half", "n"]
    assert result.pictures == 6
    assert "all 6 pictures" in result.sampling
    assert "over 6 pictures" in result.markdown()
    assert result.sizes == "6 sizes, 24 x 16 to 24 x 21"


def test_models_and_recordings_of_other_kinds_are_refused():
    clip = brightest.Clip("clip", *brightest.video(5))
    greys = predictor_of(Greys())
    with pytest.raises(ValueError, match="'clip' is of videos"):
        evaluate(greys, [clip])
    balls = Predictor(brightest.Task(), brightest.VARIABLES)
    with pytest.raises(ValueError, match="'still' is of pictures"):
        evaluate(balls, [Picture("still", (16, 24), 1)])
    with pytest.raises(ValueError, match="'greys' is a"):
        evaluate(balls, [clip], rivals={"greys": ByModel(greys)})
    longer = brightest.Task(brightest.Config(window=Window(5)))
    longer = ByModel(Predictor(longer, brightest.VARIABLES))
    with pytest.raises(ValueError, match="'longer' is a"):
        evaluate(balls, [clip], rivals={"longer": longer})
