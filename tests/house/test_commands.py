"""What the README, the Makefile and the recipes promise."""

import ast
import inspect
import pathlib
import re
import runpy

import pytest

from ttjax.recipe import Recipe


@pytest.fixture(scope="module")
def makefile(root):
    return (root / "Makefile").read_text()


def test_the_two_commands_of_the_readme_exist(root, makefile):
    readme = (root / "README.md").read_text()
    for command in ("make train", "make test"):
        assert re.search(rf"^{command}\b", readme, re.MULTILINE)
        target = command.removeprefix("make ")
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
        assert re.search(rf"^\.PHONY:.*\b{target}\b", makefile, re.MULTILINE)


def test_every_make_target_that_a_text_names_exists(root, makefile):
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    for path in root.glob("*.md"):
        named = set(re.findall(r"`make ([a-z][a-z-]*)", path.read_text()))
        assert named <= targets, path.name


def test_every_module_that_a_text_runs_exists(root):
    for path in [*root.glob("*.md"), *root.glob("*/README.md")]:
        for name in re.findall(r"python -m (ttjax[\w.]*)", path.read_text()):
            inside = name.replace(".", "/").replace("ttjax/datasets", "data")
            place = root / inside
            assert (
                place.with_suffix(".py").exists() or (place / "__main__.py").exists()
            ), f"{path.name} runs {name}"


def test_every_link_of_a_text_leads_somewhere(root):
    for path in [*root.glob("*.md"), *root.glob("*/README.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name} links to {link}"


def test_the_gate_runs_the_readmes_test_command(root):
    gate = root / ".ci" / "run"
    assert gate.stat().st_mode & 0o111
    assert re.search(r"^\s*(exec )?make test\b", gate.read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def recipes(modules):
    """The files of train/, and the embedded default."""
    embedded = "ttjax/train/default.py"
    return [
        module
        for module in modules
        if module.path.parts[0] == "train" or module.path.as_posix() == embedded
    ]


def test_each_recipe_says_how_it_was_run(recipes):
    wrong = []
    for module in recipes:
        functions = [n for n in module.tree.body if isinstance(n, ast.FunctionDef)]
        if "recipe" not in [function.name for function in functions]:
            wrong.append(f"{module.path}: no recipe()")
        story = " ".join(
            filter(None, map(ast.get_docstring, [module.tree, *functions]))
        ).lower()
        if not re.search("python -m ttjax.train|make train", story):
            wrong.append(f"{module.path}: the docstring lacks the command")
        measured = all(word in story for word in ("hardware", "time", "score"))
        if not measured and "not yet run" not in story:
            wrong.append(
                f"{module.path}: state hardware, time and score, or `not yet run`"
            )
    assert not wrong, "\n".join(wrong)


def test_each_recipe_is_a_recipe(recipes, root):
    for module in recipes:
        function = runpy.run_path(str(root / module.path))["recipe"]
        needed = {
            name: pathlib.Path(name)
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.default is parameter.empty
        }
        assert isinstance(function(**needed), Recipe), module.path
