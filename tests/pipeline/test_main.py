import subprocess
import sys
from typing import Any

import cv2
import pytest

from ttjax.pipeline.__main__ import cache, main, show
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


RECIPE = """
import pathlib
from ttjax.pipeline.stack_records import StackRecords
from ttjax.recipe import Recipe
from ttjax.samples import Window
from ttjax.ttnet import config
from ttjax.ttnet.task import Task

def recipe(data: pathlib.Path) -> Recipe:
    network = config.nano(
        window=Window(3), crop_hw=(64, 64), canvas_margin=(0, 16),
        heads=("ball_global", "ball_local"),
    )
    return Recipe(task=Task(network), data=StackRecords(data), batch_size=2)
"""


def test_a_recipe_s_samples_are_drawn(made_stacks, cache_home, tmp_path, capsys):
    recipe = tmp_path / "recipe.py"
    recipe.write_text(RECIPE)
    out = tmp_path / "new" / "sheet.png"
    main(["show", str(out), str(recipe), "--data", str(made_stacks), "--seed", "3"])
    paths = [out, out.with_name("sheet_1.png")]
    assert capsys.readouterr().out.splitlines()[-2:] == list(map(str, paths))
    images: list[Any] = [cv2.imread(str(path)) for path in paths]
    assert images[0].shape == images[1].shape
    assert (images[0] != images[1]).any()
    other = RECIPE.replace("Task(network)", "brightest.Task()")
    recipe.write_text("from tests import brightest\n" + other)
    with pytest.raises(ValueError, match="drawn as a TTNet sees them"):
        show(out, [str(recipe), "--data", str(made_stacks)])


@pytest.mark.parametrize(
    ("command", "words"), [("cache", "memory-mapped"), ("show", "--batch-size 1")]
)
def test_help_says_what_it_does(command, words, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert words in capsys.readouterr().out


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
