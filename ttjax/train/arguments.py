"""From the command line to a recipe: a file, its own parameters, every field a flag."""

import dataclasses
import importlib
import importlib.util
import inspect
import pathlib
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from ttjax.recipe import Recipe

PROGRAM = "python -m ttjax.train"
DEFAULT = "ttjax.train.default"


def parse(argv: Sequence[str]) -> Recipe:
    """The recipe that a command line describes.

    The first argument, unless it is a flag, is a recipe file; without one the embedded
    default is taken. Parameters of its `recipe` function are flags of their own, those
    without a default required; all fields of the recipe it gives are flags, too.

    Raises:
        FileNotFoundError: the recipe file does not exist.
        ValueError: it defines no `recipe`, or a required flag is missing.
        SystemExit: help was asked for, or a flag is unknown.
    """
    arguments = list(argv)
    if arguments and not arguments[0].startswith("-"):
        path = arguments.pop(0)
        module, program = load(pathlib.Path(path)), f"{PROGRAM} {path}"
    else:
        module, program = importlib.import_module(DEFAULT), PROGRAM
    function = function_of(module)
    recipe, rest = _called(function, arguments, program)
    return _overridden(recipe, rest, program, _about(module, function))


def load(path: pathlib.Path) -> ModuleType:
    """The module of a recipe file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a Python file.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"A recipe is a Python file, {path} does not exist: give the path of one, "
            "or none for the default."
        )
    name = f"ttjax_recipes.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"A recipe is a Python file, {path} is none: name it *.py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def function_of(module: ModuleType) -> Callable[..., Recipe]:
    """The `recipe` function of a module.

    Raises:
        ValueError: there is none.
    """
    function = getattr(module, "recipe", None)
    if not inspect.isfunction(function):
        raise ValueError(
            f"A recipe file defines `def recipe() -> Recipe`, {module.__file__} does "
            "not: add it."
        )
    return function


def _called(
    function: Callable[..., Recipe], arguments: list[str], program: str
) -> tuple[Recipe, list[str]]:
    """The recipe, its function's own flags taken from the arguments; and the rest."""
    parameters = inspect.signature(function).parameters
    if not parameters:
        return _checked(function()), arguments
    import tyro

    asked = {"-h", "--help"} & set(arguments)
    given = {argument.split("=")[0].replace("_", "-") for argument in arguments}
    flags = {name: "--" + name.replace("_", "-") for name in parameters}
    missing = [
        flags[name]
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and flags[name] not in given
    ]
    if missing and not asked:
        needed = " ".join(f"{flag} {flag[2:].upper()}" for flag in missing)
        raise ValueError(
            f"This recipe needs {needed}: give it, as in `{program} {needed}` "
            "(`--help` tells more)."
        )
    # Help of the whole comes after; without the required flags there is only this part.
    kept = arguments if missing else [a for a in arguments if a not in asked]
    recipe, rest = tyro.cli(
        function,
        prog=program,
        args=kept,
        return_unknown_args=True,
        add_help=bool(missing),
    )
    return _checked(recipe), [*rest, *(["--help"] if asked else [])]


def _checked(recipe: Any) -> Recipe:
    if not isinstance(recipe, Recipe):
        raise ValueError(
            f"`recipe()` gives a ttjax.recipe.Recipe, got {type(recipe).__name__}: "
            "return one."
        )
    return recipe


def _overridden(
    recipe: Recipe, arguments: Sequence[str], program: str, about: str
) -> Recipe:
    import tyro

    return tyro.cli(
        kind_of(recipe),
        prog=program,
        description=about,
        default=recipe,
        args=list(arguments),
        config=(tyro.conf.AvoidSubcommands, tyro.conf.HelptextFromCommentsOff),
    )


def kind_of(value: Any) -> Any:
    """The class of a dataclass with its type parameters filled in from the fields.

    A field annotated with a bare protocol shows no flags; the class it holds does:
    `Recipe[Task, Data]`, and `Cached[Simulation]` within.
    """
    kind = type(value)
    parameters = getattr(kind, "__parameters__", ())
    if not parameters or not dataclasses.is_dataclass(value):
        return kind
    holders = {field.type: field.name for field in dataclasses.fields(value)}
    return kind[
        tuple(
            kind_of(getattr(value, holders[parameter])) if parameter in holders else Any
            for parameter in parameters
        )
    ]


def _about(module: ModuleType, function: Callable[..., Recipe]) -> str:
    """What `--help` says first: the recipe's own words, then how to use it."""
    own = inspect.getdoc(module) or inspect.getdoc(function) or ""
    return own + (
        "\n\nThe same command again continues a stopped run; a finished one is left as "
        "it is. The run's checkpoints, log.jsonl and loss.png are in --out. Phases are "
        "numbered from 0: --phases.0.steps 500. Schedules are changed in a recipe file."
    )
