import pathlib

from ttjax.train import journal
from ttjax.train.journal import Journal


def test_lines_are_read_as_they_were_written(tmp_path: pathlib.Path):
    with Journal(tmp_path) as log:
        log.write("steps", 1, terms={"a": 0.5}, names=("x", "y"))
        log.write("epoch", 2, loss=float("nan"), nested=[float("inf"), 1])
    assert journal.read(tmp_path) == [
        {"kind": "steps", "step": 1, "terms": {"a": 0.5}, "names": ["x", "y"]},
        {"kind": "epoch", "step": 2, "loss": None, "nested": [None, 1]},
    ]


def test_a_resumed_log_forgets_what_came_after_the_checkpoint(tmp_path: pathlib.Path):
    with Journal(tmp_path) as log:
        for step in range(1, 6):
            log.write("steps", step)
    with (tmp_path / journal.FILE).open("a") as file:
        file.write('{"kind": "steps", "st')
    with Journal(tmp_path, step=3) as log:
        log.write("begin", 3)
    assert [line["step"] for line in journal.read(tmp_path)] == [1, 2, 3, 3]
    assert [path.name for path in tmp_path.iterdir()] == [journal.FILE]


def test_each_line_is_on_disk_at_once(tmp_path: pathlib.Path):
    with Journal(tmp_path) as log:
        log.write("steps", 1)
        assert len(journal.read(tmp_path)) == 1
