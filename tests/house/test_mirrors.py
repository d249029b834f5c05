"""Each source file has its test file, which asserts something on its public names."""

import ast
import pathlib

ASSERTIONS = {"raises", "warns", "fail"}


def mirror(path: pathlib.PurePath) -> pathlib.PurePath:
    """`ttjax/losses/binary.py` -> `tests/losses/test_binary.py`."""
    folders = path.parts[1:-1] if path.parts[0] == "ttjax" else path.parts[:-1]
    stem = {"__main__": "main", "__init__": "init"}.get(path.stem, path.stem)
    return pathlib.PurePath("tests", *folders, f"test_{stem}.py")


def names_in(tree: ast.Module) -> set[str]:
    """Every identifier that a file uses, imports or reaches as an attribute."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found.update(node.name.split("."))
    return found


def asserts(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Attribute) and node.attr in ASSERTIONS)
        or (isinstance(node, ast.Attribute) and node.attr.startswith("assert_"))
        for node in ast.walk(tree)
    )


def needs_tests(module) -> bool:
    """Package markers that define nothing need none."""
    marker = module.path.name == "__init__.py"
    return not marker or bool(module.public) or module.name == "ttjax"


def test_the_mirror_of_a_path():
    pairs = {
        "ttjax/losses/binary.py": "tests/losses/test_binary.py",
        "ttjax/samples.py": "tests/test_samples.py",
        "ttjax/sim/__main__.py": "tests/sim/test_main.py",
        "train/ttnet_shuttle.py": "tests/train/test_ttnet_shuttle.py",
        "data/opentt/builder.py": "tests/data/opentt/test_builder.py",
    }
    for source, test in pairs.items():
        assert mirror(pathlib.PurePath(source)) == pathlib.PurePath(test)


def test_each_source_file_has_a_test_file(modules, tests):
    existing = {test.path for test in tests}
    missing = [
        f"{module.path}: no {mirror(module.path)}"
        for module in modules
        if needs_tests(module) and mirror(module.path) not in existing
    ]
    assert not missing, "\n".join(missing)


def test_each_test_file_asserts_on_the_public_names_of_its_source(modules, tests):
    trees = {test.path: test.tree for test in tests}
    wrong = []
    for module in modules:
        tree = trees.get(mirror(module.path))
        if tree is None or not needs_tests(module):
            continue
        if not asserts(tree):
            wrong.append(f"{mirror(module.path)}: asserts nothing")
        missing = sorted(set(module.public) - names_in(tree))
        if missing:
            wrong.append(f"{mirror(module.path)}: says nothing of {', '.join(missing)}")
    assert not wrong, "\n".join(wrong)


def test_each_test_file_mirrors_something(modules, tests):
    apart = {"house", "golden"}
    expected = {mirror(module.path) for module in modules} | {
        pathlib.PurePath("tests", family, "test_golden.py")
        for family in ("ttnet", "deepsportlab")
    }
    whole = ("test_round_trip.py", "test_overfit.py")
    expected |= {pathlib.PurePath("tests/deepsportlab", name) for name in whole}
    strays = [
        str(test.path)
        for test in tests
        if test.path.name.startswith("test_")
        and test.path.parts[1] not in apart
        and test.path not in expected
    ]
    assert not strays, "\n".join(strays)
