import json

import cv2
import numpy as np
import pytest

from bench import flights
from ttjax.sim import flights as flights_
from ttjax.sim.flights import Fit
from ttjax.sim.physics import Physics


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    path, plot = folder / "results.json", folder / "plots" / "flights.png"
    flights.main(["--quick", "--json", str(path), "--plot", str(plot)])
    return json.loads(path.read_text())["rows"], cv2.imread(str(plot))


@pytest.mark.slow
def test_flights_of_the_simulator_are_explained_down_to_their_noise(measured):
    rows = {
        row["name"].split("/")[0].removeprefix("flights."): row for row in measured[0]
    }
    assert set(rows) == {"fitted", "scored", "defaults"}
    for row in rows.values():
        assert 0 < row["median_cm"] <= row["p90_cm"] <= row["max_cm"]
        assert row["median_cm"] < 1.2 * 100 * np.sqrt(3) * flights.QUICK_NOISE_M
        assert row["name"].endswith("/quick")
        assert {"device", "date", "versions", "command", "constants"} <= row.keys()
    assert rows["fitted"]["flights"] == 7
    assert rows["scored"]["flights"] == 3


@pytest.mark.slow
def test_the_picture_of_a_run_has_two_halves(measured):
    height, width = flights.SIZE_HW
    assert measured[1].shape == (height, 2 * width, 3)
    assert measured[1][:, :width].std() > 5
    assert measured[1][:, width:].std() > 5


def test_the_picture_shows_errors_of_any_fits():
    held, start = flights_.made(np.random.default_rng(0), 8, Physics(), 0.01)
    error = np.random.default_rng(1).normal(0, 0.01, held.position_m.shape)
    fit = Fit({}, start, error, np.linspace(0.004, 0.02, 8))
    fits: dict[str, Fit] = {"fitted": fit, "scored": fit}
    drawn = flights.picture(fits, {"fitted": held, "scored": held})
    assert drawn.shape == (flights.SIZE_HW[0], 2 * flights.SIZE_HW[1], 3)
    assert drawn.std() > 5
    assert flights.OUT.parent.name == "bench"


def test_three_of_ten_flights_are_scored_and_errors_summarised():
    held = flights.scored(100)
    assert held.sum() == 30
    assert held[:10].tolist() == [False] * 7 + [True] * 3
    found = flights.summary(np.arange(1, 12) / 100)
    assert found == {"median_cm": 6.0, "p90_cm": 10.0, "max_cm": 11.0}


def test_data_or_quick_must_be_named(capsys):
    with pytest.raises(SystemExit):
        flights.main([])
    assert "--data" in capsys.readouterr().err


def test_constants_are_fitted_on_most_and_scored_on_the_others(monkeypatch):
    asked = []
    made, start = flights_.made(np.random.default_rng(0), 10, Physics(), 0.0)
    none = np.zeros(np.shape(made.position_m)), np.zeros(len(made))
    known = Fit({"drag_per_m": 0.2}, start, *none)

    def fit(found, steps):
        asked.append(("fit", len(found), steps))
        return known

    def explain(found, constants, steps):
        asked.append((constants["drag_per_m"], len(found), steps))
        return fit(found, steps)

    monkeypatch.setattr(flights_, "fit", fit)
    monkeypatch.setattr(flights_, "explain", explain)
    fits, parts, took = flights.measure(made, steps=3)
    assert set(fits) == set(parts) == {"fitted", "scored", "defaults"}
    assert asked[0] == ("fit", 7, 3)
    assert asked[1] == (0.2, 3, 3)
    assert asked[3] == (flights_.defaults()["drag_per_m"], 3, 3)
    assert took >= 0
