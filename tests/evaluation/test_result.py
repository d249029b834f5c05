import io
import json
import math

import pytest
import rich.console

from ttjax.evaluation import result
from ttjax.evaluation.result import Evaluation, Scored, number

SCORES = {
    "ball/pck@10": {
        "value": 0.8125,
        "baseline": 0.1,
        "low": 0.7,
        "high": 0.9,
        "n": 7.0,
    },
    "ball/rmse_px": {"value": 123.456, "n": 5.0},
    "events/f1": {"value": math.nan, "n": 0.0},
}


@pytest.fixture
def evaluation():
    return Evaluation(
        scores=SCORES,
        rivals={"rule": {"ball/rmse_px": {"value": 9.5, "n": 5.0}}},
        sampling="all 92 of untrimmed video",
        recordings=(
            Scored("a", 60, 52, 120.0, (1080, 1920)),
            Scored("b", 48, 40, 25.0, (720, 1280)),
        ),
        seconds=4.0,
        checkpoint="run/checkpoints/7",
    )


def test_each_metric_is_a_row_with_its_baseline_interval_and_rivals(evaluation):
    head, rows = evaluation.table()
    assert head == ["metric", "value", "95 % interval", "constant", "rule", "n"]
    assert rows == [
        ["ball/pck@10", "0.812", "0.700 to 0.900", "0.100", "", "7"],
        ["ball/rmse_px", "123.5", "", "", "9.50", "5"],
        ["events/f1", "", "", "", "", "0"],
    ]


def test_sizes_sampling_and_speed_stand_beside_the_table(evaluation):
    text = evaluation.markdown()
    assert "| ball/pck@10 | 0.812 | 0.700 to 0.900 | 0.100 |  | 7 |" in text
    for fact in (
        "2, 108 frames of 1920 x 1080, 1280 x 720 px",
        "all 92 of untrimmed video",
        "over 2 recordings",
        "27.0 frames/s",
        "run/checkpoints/7",
    ):
        assert fact in text


def test_what_is_printed_holds_every_row_and_fact(evaluation):
    out = io.StringIO()
    evaluation.show(rich.console.Console(file=out, width=40))
    shown = out.getvalue()
    for row in evaluation.table()[1]:
        assert all(text in shown for text in row)
    assert all(fact in shown for fact in evaluation.facts)


def test_files_hold_the_same_and_are_strict_json(evaluation, tmp_path):
    paths = evaluation.write(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == [result.JSON, result.MARKDOWN]

    def refuse(constant):
        raise AssertionError(constant)

    content = json.loads(paths[0].read_text(), parse_constant=refuse)
    assert content["schema"] == result.SCHEMA
    assert content["scores"]["ball/pck@10"] == SCORES["ball/pck@10"]
    assert content["scores"]["events/f1"] == {"value": None, "n": 0.0}
    assert content["recordings"][1]["size_hw"] == [720, 1280]
    assert content["stamp"]["versions"]["jax"]
    assert paths[1].read_text() == evaluation.markdown()


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (math.nan, ""), (0.12345, "0.123"), (1.0, "1.000"), (-0.5, "-0.500"),
     (12.345, "12.35"), (250.04, "250.0")],
)  # fmt: skip
def test_numbers_have_the_digits_that_count(value, text):
    assert number(value) == text
