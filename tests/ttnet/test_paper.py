import numpy as np
import pytest

from ttjax.nn import cost
from ttjax.ttnet import config, paper
from ttjax.ttnet.encoders import ResNet18
from ttjax.ttnet.evaluator import STAGES
from ttjax.ttnet.paper import TABLES, Row, Table

SCORES = {f"{stage}/{name}" for stage in STAGES for name in ("rmse_px", "presence")}
SCORES |= {"masks/iou", "events/pce", "events/spce"}
FACTS = {paper.GMAC, paper.PARAMETERS, paper.LATENCY}


def printed(table, label):
    """Of tables in which the paper leaves nothing out."""
    values = next(row.values for row in TABLES[table].rows if row.label == label)
    return [value for value in values if value is not None]


def test_rows_name_scores_of_the_evaluator():
    for table in TABLES.values():
        metrics = [row.metric for row in table.rows]
        assert set(metrics) <= SCORES | FACTS
        assert len(set(metrics)) == len(metrics)
        for row in table.rows:
            assert row.higher == (row.metric in SCORES and "rmse" not in row.metric)


def test_the_same_network_has_the_same_figures_in_tables_6_9_and_heads():
    for row in TABLES["9"].rows:
        assert row.values[2] == printed("6", row.label)[1]
    for row in TABLES["heads"].rows:
        assert row.values[0] == printed("6", row.label)[1]
        assert row.values[1] is None


def test_what_the_paper_says_of_its_tables_holds():
    """Sections 6.3 to 6.5: 3 to 5 frames for the ball, 9 with events, and so on."""
    assert TABLES["7"].columns[np.argmin(printed("7", "Global RMSE, px"))] == "5"
    assert np.argmin(printed("7", "Local RMSE, px")) == 1
    for label in ("PCE", "SPCE"):
        assert np.argmax(printed("8", label)) == 4
        assert np.argmax(printed("9", label)) == 2
    assert np.argmin(printed("8", "Global RMSE, px")) == 4
    assert np.argmax(printed("6", "IoU")) == 0


@pytest.mark.parametrize("column", [0, 1])
def test_gflops_are_multiply_accumulates_and_parameters_an_encoders(column):
    made = config.ttnet(**({} if column else {"encoder": ResNet18()}))
    got = paper.encoder_facts(made)
    parameters = printed("6", "Parameters, M")[column]
    assert got[paper.PARAMETERS] == pytest.approx(parameters, rel=0.03)
    gmac = printed("6", "Encoder GFLOPs")[column]
    assert got[paper.GMAC] == pytest.approx(gmac, rel=0.05)


def test_facts_are_those_of_the_global_stage_within_the_whole():
    made = config.ttnet(width=0.125)
    macs = cost.macs_by_scope(
        made.model.apply, made.abstract_variables(), made.abstract_inputs()
    )
    encoder = sum(n for scope, n in macs.items() if "global_encoder" in scope)
    assert paper.encoder_facts(made)[paper.GMAC] == pytest.approx(encoder / 1e9)


def test_a_row_has_a_value_per_column():
    row = Row("IoU", "masks/iou", True, (0.5,))
    assert Table("t", "h", ("a",), (row,)).rows == (row,)
    with pytest.raises(ValueError, match="one value per column"):
        Table("t", "h", ("a", "b"), (row,))
