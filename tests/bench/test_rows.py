import json

import jax
import pytest

from bench import rows


def test_rows_are_merged_by_name(tmp_path):
    path = tmp_path / "results" / "cpu.json"
    rows.merge(path, [{"name": "b", "p50_ms": 1.0}, {"name": "a", "p50_ms": 2.0}])
    rows.merge(path, [{"name": "b", "p50_ms": 3.0}])
    assert json.loads(path.read_text()) == {
        "rows": [{"name": "a", "p50_ms": 2.0}, {"name": "b", "p50_ms": 3.0}]
    }
    assert [file.name for file in path.parent.iterdir()] == ["cpu.json"]


@pytest.mark.parametrize("text", ["not json", "[]", '{"rows": [1]}', '{"lines": []}'])
def test_a_file_of_something_else_is_not_overwritten(tmp_path, text):
    path = tmp_path / "notes.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="choose another path"):
        rows.merge(path, [{"name": "a"}])
    assert path.read_text() == text


def test_a_row_has_a_name(tmp_path):
    with pytest.raises(ValueError, match="set `name`"):
        rows.merge(tmp_path / "a.json", [{"p50_ms": 1.0}])


def test_a_line_shows_name_quantiles_and_rate():
    row = {"name": "x", "p50_ms": 1.0, "p90_ms": 2.0, "p99_ms": 3.0}
    text = rows.line(row | {"samples_per_s": 1000.0})
    assert text.split()[0] == "x"
    assert [word for word in text.split() if word[0].isdigit()] == [
        "1.00",
        "2.00",
        "3.00",
        "1000.0",
    ]


def test_a_row_begins_with_what_it_belongs_to():
    begun = rows.about("latency", "ttnet.stack.b1.float32")
    assert begun["name"] == f"ttnet.stack.b1.float32/{jax.default_backend()}"
    assert begun["command"].startswith("python -m bench.latency")
    told = {"device", "date", "versions", "flags", "load", "cores"}
    assert told <= begun.keys()
    assert rows.about("latency", "x", quick=True)["name"].endswith("/quick")


def test_rows_are_kept_where_a_file_is_asked_for(tmp_path):
    path = tmp_path / "a.json"
    rows.keep(None, [{"name": "a"}])
    rows.keep(path, [{"name": "a", "p50_ms": 1.0}])
    assert rows.read(path) == [{"name": "a", "p50_ms": 1.0}]


def test_a_table_shows_what_a_row_has(capsys):
    found = [{"name": "a", "p50_ms": 1.23456, "ratio": {"torch": 0.5}}, {"name": "b"}]
    rows.table("Latency", found, ("p50_ms", "ratio", "calls"))
    told = capsys.readouterr().out
    assert "Latency" in told
    assert "1.235" in told
    assert "torch 0.5" in told
    assert max(map(len, told.splitlines())) <= rows.WIDTH
