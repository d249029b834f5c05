"""Importing the library is light; what is heavy is imported where it is used."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = {
    "av",
    "cv2",
    "grain",
    "pycocotools",
    "tensorflow",
    "tensorflow_datasets",
    "torch",
    "tyro",
}


def heavy_after(names, root) -> set[str]:
    """Heavy packages that a fresh interpreter holds after importing `names`."""
    program = (
        "import importlib, json, sys\n"
        f"for name in {sorted(names)!r}: importlib.import_module(name)\n"
        f"print(json.dumps(sorted({HEAVY | {'orbax'}!r} & sys.modules.keys())))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "name",
    [
        "ttjax",
        "ttjax.predictor",
        "ttjax.ttnet.task",
        "ttjax.sim.rally",
        "ttjax.timing",
        "ttjax.weights",
    ],
)
def test_what_a_predictor_or_a_benchmark_needs_is_light(name, root):
    assert not heavy_after([name], root)


def test_every_module_but_loaders_and_recipes_is_light(package, root):
    names = {
        module.name
        for module in package
        if not module.name.startswith(("ttjax.pipeline", "ttjax.train.default"))
        and not module.name.endswith("__main__")
    }
    assert not heavy_after(names, root) - {"orbax"}


def test_mains_parse_arguments_only_when_run(package, root):
    names = {m.name for m in package if m.name.endswith("__main__")}
    assert "tyro" not in heavy_after(names, root)


def test_the_face_resolves_its_names_lazily():
    import ttjax

    assert {"load", "Predictor"} <= set(dir(ttjax))
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        _ = ttjax.lode  # pyright: ignore[reportAttributeAccessIssue]
