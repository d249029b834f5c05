"""Rules that a linter does not know."""

import ast
import re
import subprocess

import pytest

LONGEST = 350
FORBIDDEN = {"utils", "util", "helpers", "helper", "misc", "common"}


def tracked(root):
    """Paths under version control; the test is skipped outside a checkout."""
    done = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [
        path for path in map(root.joinpath, done.stdout.splitlines()) if path.exists()
    ]


def test_files_are_short(modules, tests):
    long = [
        f"{module.path}: {count} lines"
        for module in [*modules, *tests]
        if (count := module.text.count("\n")) > LONGEST
    ]
    assert not long, "\n".join(long)


def test_files_are_named_for_what_they_hold(modules, tests):
    wrong = [
        str(module.path)
        for module in [*modules, *tests]
        if FORBIDDEN & {*module.path.parts[:-1], module.path.stem}
    ]
    assert not wrong, "\n".join(wrong)


def test_annotations_are_not_postponed(modules, tests):
    wrong = [
        str(module.path)
        for module in [*modules, *tests]
        if any(line.name == "__future__.annotations" for line in module.imports)
    ]
    assert not wrong, "annotations as strings hide shapes:\n" + "\n".join(wrong)


def test_nothing_is_left_undone(modules, tests):
    marks = re.compile(r"\b([T]ODO|[F]IXME|[X]XX)\b|pragma:[ ]no cover")
    wrong = [
        f"{module.path}:{number}"
        for module in [*modules, *tests]
        for number, line in enumerate(module.text.splitlines(), 1)
        if marks.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def is_silent(handler: ast.ExceptHandler) -> bool:
    return all(
        isinstance(node, ast.Pass | ast.Continue)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in handler.body
    )


def test_no_error_is_swallowed_and_nothing_is_a_stub(modules):
    wrong = []
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ExceptHandler) and is_silent(node):
                wrong.append(f"{module.path}:{node.lineno} swallows an error")
            if isinstance(node, ast.Name) and node.id == "NotImplementedError":
                wrong.append(f"{module.path}:{node.lineno} is a stub")
    assert not wrong, "\n".join(wrong)


def test_every_public_definition_is_documented(modules):
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    wrong = [
        f"{module.path}:{node.lineno} {node.name}"
        for module in modules
        for node in module.tree.body
        if isinstance(node, definitions)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_file_names_a_package_index(root):
    hosts = re.compile(
        r"https?://[^\s\"'>)]*(py[p]i|python[h]osted|ana[c]onda|/simple)"
        r"|index-[u]rl[ =]+[^\s-]|find-[l]inks[ =]+[^\s-]",
        re.IGNORECASE,
    )
    wrong = []
    for path in tracked(root):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # a picture or an archive
            text = ""
        wrong += [
            f"{path.relative_to(root)}: {m.group()}" for m in hosts.finditer(text)
        ]
    assert not wrong, "\n".join(wrong)


def test_only_the_gate_knows_where_real_data_lies(root):
    wrong = [
        str(path.relative_to(root))
        for path in tracked(root)
        if path.suffix in {".py", ".md", ".toml", ".yml", ".cff", ""}
        and path.relative_to(root).as_posix() != ".ci/run"
        and re.search("shared/[d]ata", path.read_text(encoding="utf-8"))
    ]
    assert not wrong, "\n".join(wrong)
