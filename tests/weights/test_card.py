import pytest

from tests.weights import runs
from ttjax import weights
from ttjax.weights import shipped
from ttjax.weights.card import LIMITS, minutes, size_mb, table, text


@pytest.fixture(scope="module")
def config(folder):
    return shipped.load_metadata(folder)


def test_the_card_says_what_a_reader_must_know(config, folder):
    card = text(config, limits=("It is a toy.",))
    for words in (
        "license: apache-2.0",
        "# toy-sim",
        'ttjax.load("toy-sim")',
        "Task `toy.Task`, from 1 frames",
        "Source: `sim` (Simulation); no real picture, no real label.",
        "Simulation(seconds=2.0, test_recordings=5)",
        "7 steps of 8 examples, 1.5 min; seed 0; began from random weights.",
        "jax 0.10.2",
        "Not scored.",
        *LIMITS,
        "It is a toy.",
        "Apache-2.0. Nothing that went into",
    ):
        assert words in card, words
    assert "someone" not in card
    assert card.replace("- It is a toy.\n", "") == (folder / "README.md").read_text()


def test_weights_that_began_from_others_say_so(config):
    begun = {**config, "begun_from": "ttnet-sim", "ema": True, "about": "Good ones."}
    data = {"type": "Simulation", "sizes": [[720, 1280], [1080, 1920]]}
    begun["recipe"] = {**config["recipe"], "data": data}
    card = text(begun)
    assert "began from ttnet-sim." in card
    assert "EMA" in card
    assert "Simulation(sizes=((720, 1280), (1080, 1920)))" in card
    assert "Good ones." in card


def test_scores_come_as_tables_with_intervals(config, tmp_path):
    path = runs.evaluation(tmp_path / "side_rig", "runs/toy/checkpoints/7")
    run = runs.save(tmp_path / "run")
    found = weights.publish(run, "toy-sim", tmp_path / "home", scores=[path])
    card = (found / "README.md").read_text()
    assert "### side rig" in card
    assert "| pck@5 | 0.975 | 0.950 to 1.000 | 0.250 | 40 |" in card
    assert "| rmse_px |  |  |  | 0 |" in card
    assert "Of the weights before rounding; 2 recordings, 80 frames of 96 x 72" in card
    assert "Not scored" not in card


def test_figures(config):
    head, rows = table({"a": {"value": -2.5, "n": 1.0, "low": -3.0, "high": 120.0}})
    assert head[:3] == ["metric", "value", "95 % interval"]
    assert rows == [["a", "-2.50", "-3.00 to 120.00", "", "1"]]
    assert size_mb({"files": {"a": {"bytes": 3e6}, "b": {"bytes": 1e6}}}) == 4.0
    told = [minutes({"seconds": s}) for s in (30.0, 7100.0, 9000.0, None)]
    assert told == ["0.5 min", "118.3 min", "2.5 h", "not recorded"]
