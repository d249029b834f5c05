import json

import pytest

from ttjax.evaluation import beside_paper
from ttjax.ttnet.paper import TABLES, Row, Table

TABLE = Table(
    "Table 0: a try",
    "Frames",
    ("1", "3", "5"),
    (
        Row("RMSE, px", "rmse", False, (9.0, 3.0, 3.5), 2),
        Row("PCE", "pce", True, (0.9, 0.95, 0.95)),
    ),
)


def runs(rmse, pce, spread=0.01):
    """Three seeds around a mean."""
    return [
        {"rmse": rmse * (1 + step * spread), "pce": pce + step * spread / 10}
        for step in (-1, 0, 1)
    ]


AS_PRINTED = [runs(9, 0.8), runs(3, 0.9), runs(3.5, 0.95)]


def test_the_layout_is_the_papers_with_ours_beside():
    lines = beside_paper.markdown(TABLE, AS_PRINTED).splitlines()
    assert lines[0] == "## Table 0: a try"
    assert lines[2] == (
        "| Frames | 1, paper | 1, ours | 3, paper | 3, ours | 5, paper | 5, ours |"
    )
    assert lines[4] == (
        "| RMSE, px | 9.00 | 9.00 ± 0.09 | 3.00 | 3.00 ± 0.03 | 3.50 | 3.50 ± 0.04 |"
    )
    assert lines[5].startswith("| PCE | 0.900 | 0.800 ± 0.001 | 0.950 |")
    assert lines[7] == beside_paper.sentence(TABLE, AS_PRINTED)


def test_what_is_missing_is_a_dash_and_one_seed_has_no_spread():
    found = [[], [{"rmse": float("nan"), "pce": 0.5}], [{"rmse": 2.0, "pce": 0.5}]]
    lines = beside_paper.markdown(TABLE, found).splitlines()
    assert lines[4] == "| RMSE, px | 9.00 | - | 3.00 | - | 3.50 | 2.00 |"
    assert "needs repeats" in lines[7]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (AS_PRINTED, "none the other way round, 5 the same way, and 0 within"),
        (
            [runs(2, 0.99), runs(3, 0.9), runs(3.5, 0.9)],
            "4 the other way round (RMSE: 1 before 3, 1 before 5; "
            "PCE: 1 before 3, 1 before 5), 1 the same way, and 0 within",
        ),
        (
            [runs(5, 0.5, 0.5), runs(5, 0.9, 0.5), runs(5, 0.9, 0.5)],
            "none the other way round, 2 the same way, and 3 within the spread of",
        ),
        (
            [AS_PRINTED[0][:2], [], AS_PRINTED[2]],
            "2 the same way, and 0 within the spread of the 0 to 3 seeds; 3 lack",
        ),
    ],
)
def test_the_sentence_counts_pairs_that_the_paper_ranks(found, expected):
    text = beside_paper.sentence(TABLE, found)
    assert text.startswith("Of 5 pairs that the paper ranks, ours has ")
    assert expected in text
    assert text.count(". ") == 0
    assert text.endswith(".")


def test_where_the_paper_ranks_nothing_ours_is_told():
    table = TABLES["heads"]
    metrics = [row.metric for row in table.rows]

    def seeds(**better):
        return [
            {m: better.get(m.replace("/", "_"), 1.0) + s for m in metrics}
            for s in (0.0, 0.01, -0.01)
        ]

    found = [seeds(masks_iou=2.0), seeds(ball_local_rmse_px=0.5)]
    text = beside_paper.sentence(table, found)
    assert "FC is better in IoU; Marginal is better in Local RMSE;" in text
    assert "Global accuracy" in text.partition("Marginal")[2]
    assert text.endswith("differ within the spread of the 3 seeds.")
    nothing = beside_paper.sentence(table, [[{}, {}], [{}, {}]])
    assert "no score is known" in nothing


def test_the_entry_is_json_with_all_that_the_table_shows():
    made = beside_paper.entry(TABLE, [AS_PRINTED[0], AS_PRINTED[1][:1], []])
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    first, second, third = made["rows"][0]["columns"]
    assert first["column"] == "1"
    assert first["printed"] == 9.0
    assert first["mean"] == pytest.approx(9)
    assert first["sd"] == pytest.approx(0.09)
    assert len(first["values"]) == first["n"] == 3
    assert second["n"] == 1
    assert "sd" not in second
    assert third == {"column": "5", "printed": 3.5, "n": 0, "values": []}
    assert made["ranking"].startswith("Of 5 pairs")
