import subprocess
import sys

import pytest

from ttjax.pipeline.__main__ import cache, main
from ttjax.pipeline.stack_pixels import Decoded
from ttjax.pipeline.stack_records import StackRecords


def test_splits_are_decoded_from_the_command_line(made_stacks, cache_home, capsys):
    main(["cache", str(made_stacks.parents[1]), "--threads", "1"])
    told = capsys.readouterr().out
    data = StackRecords(made_stacks)
    for split in ("train", "validation"):
        assert isinstance(data.stacks(split), Decoded)
        assert f"made_stacks {split}: {data.decoded_folder(split)}" in told
    assert not data.decoded_folder("test").exists()
    cache(made_stacks, splits=("test",))
    assert isinstance(data.stacks("test"), Decoded)


def test_help_says_what_it_does(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["cache", "--help"])
    assert ended.value.code == 0
    assert "memory-mapped" in capsys.readouterr().out


def test_a_folder_without_records_gives_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "ttjax.pipeline", "cache", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: A prepared data set is a folder")
    assert done.stderr.count("\n") == 1
