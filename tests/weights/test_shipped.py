import json

import jax
import numpy as np
import pytest

from tests.train import toy
from tests.weights import runs
from ttjax.weights import shipped
from ttjax.weights.shipped import (
    is_published,
    load_metadata,
    load_task,
    load_variables,
    names,
)


def test_names_are_the_folders_that_hold_weights(folder, home, tmp_path):
    assert names() == names(home) == ("toy-sim",)
    for other in ("export", "empty", "torn", ".toy-sim"):
        (tmp_path / other).mkdir()
    (tmp_path / "export" / "config.json").write_text('{"task": {}, "files": {}}')
    (tmp_path / "torn" / "config.json").write_text("{")
    (tmp_path / ".toy-sim" / "config.json").write_bytes(
        (folder / "config.json").read_bytes()
    )
    assert names(tmp_path) == ()
    assert is_published(folder)
    others = [tmp_path / name for name in ("export", "empty", "torn", "nowhere")]
    assert not any(map(is_published, others))


def test_the_package_s_own_home_is_where_its_code_is():
    assert (shipped.HOME / "shipped.py").is_file()


def test_the_task_comes_back_and_the_variables_fit_its_model(folder):
    task, variables = load_task(folder), load_variables(folder)
    assert task == toy.Task()
    want = runs.variables()
    assert jax.tree.structure(variables) == jax.tree.structure(want)
    jax.tree.map(
        lambda got, due: np.testing.assert_allclose(got, due, rtol=2**-8),
        variables,
        want,
    )


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("{", r"config\.json of JSON"),
        ('{"format": "ttjax.weights", "schema": 2}', r"is of ttjax\.weights, schema 2"),
        ('{"task": 1}', "is of None, schema None"),
    ],
)
def test_another_config_is_refused(tmp_path, said, words):
    (tmp_path / "config.json").write_text(said)
    with pytest.raises(ValueError, match=words):
        load_metadata(tmp_path)


def test_the_config_is_that_of_schema_one(folder):
    said = load_metadata(folder)
    assert said == json.loads((folder / shipped.CONFIG).read_text())
    assert said["schema"] == shipped.SCHEMA == 1
