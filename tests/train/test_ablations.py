import dataclasses
import functools
import json
import pathlib
import signal
import types

import jax
import numpy as np
import pytest

from ttjax import registry
from ttjax.losses.weighting import Fixed, LearntSigmas, Sum
from ttjax.pipeline import fixed_set
from ttjax.pipeline.fixed_set import FixedSet
from ttjax.recipe import Recipe
from ttjax.samples import FrameLabels
from ttjax.train import arguments
from ttjax.ttnet import config, paper
from ttjax.ttnet.ball_heads import Marginal
from ttjax.ttnet.encoders import ResNet18

PATH = pathlib.Path(__file__).parents[2] / "train" / "ablations.py"


@pytest.fixture(scope="module")
def module():
    return arguments.load(PATH)


class Trainer:
    """Scores that are better the later the column; counts what it trains."""

    def __init__(self, stop_after=99):
        self.trained, self.stop_after = [], stop_after

    def __call__(self, recipe):
        if len(self.trained) == self.stop_after:
            return self.stop(recipe)
        *_, cell, seed = recipe.out.parts
        self.trained.append((cell, seed))
        frames, noise = recipe.task.window.frames, recipe.seed / 100
        return {
            "ball_global/rmse_px": frames + noise,
            "ball_local/rmse_px": 2.0,
            "ball_global/presence": 0.9 + frames / 100 + noise / 1000,
        }

    def stop(self, recipe):
        raise KeyboardInterrupt


def small(module, tmp_path, trainer, *, seeds=2, tables=("7", "heads"), lines=None):
    return module.run(
        tables,
        seeds,
        module.QUICK,
        tmp_path,
        train=trainer,
        say=(lines if lines is not None else []).append,
    )


def test_every_column_of_the_paper_has_a_cell(module):
    assert set(module.TABLES) == set(paper.TABLES)
    for name, cells in module.TABLES.items():
        assert len(cells) == len(paper.TABLES[name].columns)
        assert set(cells) <= set(module.CELLS)
    assert {cell for cells in module.TABLES.values() for cell in cells} == set(
        module.CELLS
    )
    assert len(module.CELLS) == 15


def test_cells_differ_in_what_their_table_varies_and_in_nothing_else(module):
    def differing(name):
        one, base = module.CELLS[name], module.Cell()
        names = [field.name for field in dataclasses.fields(base)]
        return {n for n in names if getattr(one, n) != getattr(base, n)}

    assert module.CELLS["paper"] == module.Cell()
    assert differing("resnet18") == {"encoder"}
    assert differing("sum") == differing("manual") == {"weighting"}
    assert differing("marginal") == {"ball_head"}
    for name, frames in zip(module.TABLES["7"], module.FRAMES, strict=True):
        assert module.CELLS[name] == module.Cell(frames=frames, heads=module.BALL)
    for name, frames in zip(module.TABLES["8"], module.FRAMES, strict=True):
        assert module.CELLS[name].frames == frames
        assert module.CELLS[name].heads == (*module.BALL, "events")


def test_recipes_share_all_but_the_cell(module, tmp_path):
    base = module.recipe(out=tmp_path)
    assert isinstance(base, Recipe)
    assert base.task.config == config.ttnet()
    assert base.weighting == LearntSigmas()
    for name, cell in module.CELLS.items():
        made = module.recipe(name, 1, out=tmp_path)
        assert made.data == base.data
        assert made.phases == base.phases
        assert (made.seed, made.batch_size) == (1, base.batch_size)
        assert made.out == module.folder(tmp_path, name, 1)
        assert made.task.loss == base.task.loss
        assert made.task.augmentation == base.task.augmentation
        assert made.task.config.heads == cell.heads
        assert made.task.window.frames == cell.frames
        assert registry.decode(registry.encode(made)) == made
        # The set holds what the cell asks for.
        fixed_set.check(made.data.whole, made.task.sample)
    assert module.recipe("resnet18").task.config.encoder == ResNet18()
    assert module.recipe("marginal").task.config.ball_head == Marginal()
    assert module.recipe("sum").weighting == Sum()
    with pytest.raises(ValueError, match="got 'vgg'"):
        module.recipe("vgg")


def test_the_set_is_drawn_for_the_event_frames_of_the_longest_and_the_shortest(module):
    data = module.recipe("ball_1").data
    assert isinstance(data, FixedSet)
    frames = max(module.FRAMES)
    event_frames = {frames - n + n // 2 for n in module.FRAMES}
    assert set(module.EVENTS_AT) == {min(event_frames), max(event_frames)}
    assert data.events_at == module.EVENTS_AT


def test_manual_weights_let_every_term_begin_near_1(module):
    """The entropies of the base rates, from which the last layers start."""

    def entropy(p):
        return -p * np.log(p) - (1 - p) * np.log(1 - p)

    rates = config.BaseRates()
    begin = {
        "ball_global": sum(map(entropy, rates.global_xy)),
        "ball_local": sum(map(entropy, rates.local_xy)),
        "events": (1 + 3) / 2 * entropy(rates.events),
        # Half everywhere, where a mask covers a tenth of the picture.
        "masks": entropy(0.5) + 1 - 2 * 0.05 / 0.6,
    }
    assert isinstance(module.MANUAL, Fixed)
    for name, value in begin.items():
        assert value * module.MANUAL.weights[name] == pytest.approx(1, abs=0.1)


def test_the_command_line_names_a_cell(module, tmp_path):
    made = arguments.parse(
        [str(PATH), "--cell", "events_3", "--seed", "2", "--out", str(tmp_path)]
    )
    assert made == module.recipe("events_3", 2, out=tmp_path)


def test_what_is_finished_is_not_trained_again(module, tmp_path):
    stopped, lines = Trainer(stop_after=3), []
    with pytest.raises(KeyboardInterrupt):
        small(module, tmp_path, stopped, lines=lines)
    assert stopped.trained == [(f"ball_{n}", "seed_0") for n in (1, 3, 5)]
    assert lines[0] == "14 networks, 0 of them finished"
    assert "[3/14] ball_5, seed 0: 0:0" in lines[3]
    assert lines[3].endswith(" left")
    rest, lines = Trainer(), []
    path = small(module, tmp_path, rest, lines=lines)
    assert lines[0] == "14 networks, 3 of them finished"
    assert len(rest.trained) == 11
    assert not set(rest.trained) & set(stopped.trained)
    again = Trainer()
    before = path.read_text()
    assert small(module, tmp_path, again) == path
    assert not again.trained
    assert path.read_text() == before
    # More seeds and tables come to what is there.
    small(module, tmp_path, again, seeds=3, tables=("7", "8"))
    assert len(again.trained) == 5 + 15


def test_other_settings_are_refused(module, tmp_path):
    module.keep_settings(module.QUICK, tmp_path)
    module.keep_settings(module.QUICK, tmp_path)
    other = dataclasses.replace(module.QUICK, steps=7)
    with pytest.raises(ValueError, match="another `--out`"):
        module.keep_settings(other, tmp_path)


def test_the_files_hold_every_seed_the_layout_and_the_ranking(module, tmp_path):
    path = small(module, tmp_path, Trainer())
    text = path.read_text()
    assert path.name == "ablations.md"
    assert "| Global RMSE, px | 30.93 | 1.00 ± 0.01 | 3.56 | 3.00 ± 0.01 |" in text
    assert "Of 35 pairs that the paper ranks, ours has 11 the other way round" in text
    assert "(Global RMSE: 1 before 3, 1 before 5, " in text
    assert "8 the same way, and 9 within the spread of the 2 seeds; 7 lack" in text
    content = json.loads((tmp_path / "ablations.json").read_text())
    assert content["settings"] == dataclasses.asdict(module.QUICK)
    assert [one["ball_global/rmse_px"] for one in content["cells"]["ball_3"]] == [
        3,
        3.01,
    ]
    assert set(content["tables"]) == {"7", "heads"}
    assert content["tables"]["7"]["ranking"] in text
    assert len(content["stamps"]) == 1
    assert "device" in content["stamps"][0]
    written = module.write(("9",), 1, module.QUICK, tmp_path)
    assert "Manually weighted, ours" in written.read_text()


def test_the_exit_code_is_the_signal_s(module, tmp_path, monkeypatch, capsys):
    def train(recipe):
        raise module.Stopped(signal.SIGTERM)

    monkeypatch.setattr(module, "run", functools.partial(module.run, train=train))
    assert module.main(["--quick", "--out", str(tmp_path)]) == 128 + 15
    assert "the same command continues" in capsys.readouterr().out


def test_a_run_that_a_signal_ended_is_not_scored(module, tmp_path, monkeypatch):
    ended = types.SimpleNamespace(finished=False, interrupted_by=signal.SIGINT)
    monkeypatch.setattr(module.loop, "run", lambda recipe: ended)
    with pytest.raises(module.Stopped) as stopped:
        module.train_and_score(module.recipe(out=tmp_path))
    assert stopped.value.received == signal.SIGINT


def test_latency_is_that_of_one_stack(module):
    seen = []

    def answer(variables, example):
        seen.append(example.shape)
        return variables * example

    model = types.SimpleNamespace(
        task=types.SimpleNamespace(
            spec=lambda count: jax.ShapeDtypeStruct((count, 3), np.uint8)
        ),
        network=types.SimpleNamespace(answer=answer),
        variables=np.uint8(2),
    )
    assert 0 < module.latency_ms(model) < 1000
    assert seen == [(1, 3)]


def test_flags_are_settings(module, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(module, "run", lambda *all_of: given.append(all_of))
    flags = ["--tables", "7", "heads", "--seeds", "1", "--steps", "9", "--width", ".5"]
    assert module.main([*flags, "--out", str(tmp_path)]) == 0
    expected = dataclasses.replace(module.Settings(), steps=9, width=0.5)
    assert given == [(["7", "heads"], 1, expected, tmp_path)]
    module.main(["--quick", "--rally-seconds", "0.5"])
    quick = dataclasses.replace(module.QUICK, rally_seconds=0.5)
    assert given[1][1:3] == (3, quick)


@registry.register("test_ablations.Plain")
@dataclasses.dataclass(frozen=True)
class Plain:
    """Grey pictures with a ball that the labels alone show."""

    def train(self, spec, *, batch_size, seed):
        return PlainSource(spec.batch(batch_size))

    def validation(self, spec, *, batch_size):
        return ()

    def recordings(self, split):
        return iter((PlainRecording(),))


class PlainSource:
    def __init__(self, shapes):
        self.batch = jax.tree.map(lambda one: np.full(one.shape, 1, one.dtype), shapes)

    def next_batch(self):
        return self.batch

    def state(self):
        return {}

    def restore(self, state):
        pass


class PlainRecording:
    name, fps, size_hw = "plain", 120.0, (160, 368)
    labels = FrameLabels(
        np.full((6, 2), 50, np.float32), np.array([1, 1, 1, 0, 0, 1], np.int8)
    )

    def frames(self):
        return iter(np.full((6, *self.size_hw, 3), 90, np.uint8))


@pytest.mark.slow
def test_a_small_network_is_trained_scored_and_tidied(module, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = dataclasses.replace(module.QUICK, width=0.05, steps=2)
    made = module.recipe("ball_1", 0, settings, tmp_path / "out")
    data = dataclasses.replace(made.data, data=Plain())
    made = dataclasses.replace(made, cache=False, data=data)
    scores = module.train_and_score(made)
    # Two steps find no ball: a distance over those that are found is not known.
    assert scores["ball_global/presence"] == scores["ball_local/presence"] == 2 / 6
    assert scores[paper.LATENCY] > 0
    assert 0 < scores[paper.PARAMETERS] < 1.18
    assert (made.out / "evaluation" / "evaluation.json").is_file()
    assert not (made.out / "checkpoints").exists()
