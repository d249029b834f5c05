"""The tree of source files, parsed once."""

import ast
import dataclasses
import pathlib
from collections.abc import Callable, Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class Import:
    """One imported name, in full: `from ttjax import nn` is `ttjax.nn`."""

    name: str
    line: int
    function: str | None

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]

    @property
    def room(self) -> str:
        """The first name below `ttjax`; empty for `ttjax` itself."""
        return [*self.name.split("."), ""][1]


@dataclasses.dataclass(frozen=True)
class Module:
    """A source file."""

    path: pathlib.PurePath
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """Dotted, from the root: `ttjax.losses.binary`, `train.ttnet_shuttle`."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def imports(self) -> list[Import]:
        return list(_imports(self.tree, None))

    @property
    def public(self) -> list[str]:
        """Public functions and classes at the top level."""
        definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        return [
            node.name
            for node in self.tree.body
            if isinstance(node, definitions) and not node.name.startswith("_")
        ]


def _imports(node: ast.AST, function: str | None) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, function)
        elif isinstance(child, ast.ImportFrom):
            for alias in child.names:
                base = "." * child.level + (child.module or "")
                yield Import(f"{base}.{alias.name}", child.lineno, function)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _imports(child, child.name)
        else:
            yield from _imports(child, function)


def read(path: pathlib.Path) -> Module:
    text = path.read_text(encoding="utf-8")
    return Module(path.relative_to(ROOT), text, ast.parse(text, str(path)))


@pytest.fixture(scope="session")
def parse() -> Callable[[str, str], Module]:
    """A source file that exists in a test only."""
    return lambda path, text: Module(pathlib.PurePath(path), text, ast.parse(text))


@pytest.fixture(scope="session")
def root() -> pathlib.Path:
    return ROOT


@pytest.fixture(scope="session")
def modules() -> list[Module]:
    """Every source file of the package, the data sets, the recipes, the benchmarks."""
    folders = ("ttjax", "data", "train", "bench")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [read(path) for path in sorted(paths)]


@pytest.fixture(scope="session")
def package(modules: list[Module]) -> list[Module]:
    """The source files of `ttjax/` alone."""
    return [module for module in modules if module.path.parts[0] == "ttjax"]


@pytest.fixture(scope="session")
def tests() -> list[Module]:
    return [read(path) for path in sorted((ROOT / "tests").rglob("*.py"))]
