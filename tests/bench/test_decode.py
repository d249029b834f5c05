import dataclasses
import json

import jax
import numpy as np
import pytest

from bench import decode, made_fields


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "results.json"
    decode.main(["--quick", "--json", str(path)])
    return json.loads(path.read_text())["rows"]


def test_every_decoder_has_a_row_and_finds_everyone(measured):
    backend = jax.default_backend()
    names = {row["name"].split("/")[0].removeprefix("decode.") for row in measured}
    assert names == set(decode.ROWS)
    for row in measured:
        device = "cpu" if "numpy" in row["name"] else backend
        assert row["name"].endswith(f"/193x193/{device}")
        assert row["players_found"] == row["players"] == 3
        assert 0 < row["p50_ms"] <= row["p90_ms"]
        assert {"device", "date", "versions", "command"} <= row.keys()
    assert decode.QUICK_HW < decode.IMAGE_HW


def test_found_counts_masks_and_poses():
    made = made_fields.spread(np.random.default_rng(0), 3, (129, 129))
    ids, scores = made.ids[::2, ::2].astype(int), np.ones((3, 17))
    ids[ids > 3] = 0
    assert decode.found(made, ids, made.joints_px, scores) == 3
    assert decode.found(made, ids, made.joints_px + 3.0, scores) == 0
    assert decode.found(made, np.where(ids == 2, 0, ids), made.joints_px, scores) == 2
    few = np.where(np.arange(17) < 8, 1.0, 0.0)[None] * scores
    assert decode.found(made, ids, made.joints_px, few) == 0
    # Rows in another order are the same players.
    turned = np.choose(ids, [0, 3, 1, 2])
    order = [1, 2, 0]
    moved = dataclasses.replace(made).joints_px[order]
    assert decode.found(made, turned, moved, scores) == 3


def test_an_unknown_row_is_named_with_the_known(capsys):
    with pytest.raises(SystemExit):
        decode.main(["sparse.players11"])
    message = capsys.readouterr().err
    assert "sparse.players11" in message
    assert all(name in message for name in decode.ROWS)
    with pytest.raises(ValueError, match=r"sparse\.players11"):
        decode.row("sparse.players11", quick=True, seconds=1.0)
