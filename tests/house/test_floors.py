"""Imports point down the floors, and within a floor only along the arrows."""

import pathlib
import sys
import tomllib

import pytest

FLOORS = (
    ("typing", "geometry", "timing", "caches", "formats", "media"),
    ("nn", "losses", "fields", "augment", "metrics"),
    ("samples", "scenes", "task"),
    ("ttnet", "deepsportlab", "pipeline", "sim", "play", "referee"),
    (
        "recipe",
        "registry",
        "checkpoints",
        "weights",
        "importers",
        "predictor",
        "evaluation",
        "export",
    ),
    ("train", "video"),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

# Within a floor each of these may import those before it; all others import none.
CHAINS = (FLOORS[2], FLOORS[4])

# Programs of one file, and what all mains share; every `__main__` is a main as well.
MAINS = {"evaluate", "describe", "doctor", "mains"}

# Packages that importing the library must not pull in, and where they are at home.
INSIDE_FUNCTIONS = {
    "av",
    "cv2",
    "pycocotools",
    "simplejpeg",
    "tensorflow",
    "tensorflow_datasets",
}
DISTRIBUTIONS = {
    "apache_beam": "apache-beam",
    "cv2": "opencv-python",
    "orbax": "orbax-checkpoint",
    "tensorflow_datasets": "tensorflow-datasets",
    "yaml": "flax",  # flax declares it and we read nothing else with it
}


def is_main(module) -> bool:
    parts = module.name.split(".")
    return parts[-1] == "__main__" or (len(parts) == 2 and parts[1] in MAINS)


def is_face(module) -> bool:
    """`ttjax/__init__` resolves its two names lazily, from any floor."""
    return module.name == "ttjax"


def room(module) -> str:
    return module.name.split(".")[1]


def distribution(package: str) -> str:
    return DISTRIBUTIONS.get(package, package).lower()


def may_import(importer: str, imported: str) -> bool:
    if importer == imported or imported == "typing":
        return True
    if FLOOR[importer] != FLOOR[imported]:
        return FLOOR[importer] > FLOOR[imported]
    return any(
        imported in chain[: chain.index(importer)]
        for chain in CHAINS
        if importer in chain
    )


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("ttnet", "losses", True),
        ("losses", "ttnet", False),
        ("ttnet", "sim", False),
        ("task", "samples", True),
        ("samples", "task", False),
        ("predictor", "checkpoints", True),
        ("checkpoints", "predictor", False),
        ("nn", "losses", False),
        ("geometry", "typing", True),
        ("video", "train", False),
        ("train", "evaluation", True),
    ],
)
def test_the_rule_itself(importer, imported, allowed):
    assert may_import(importer, imported) is allowed


def test_every_room_has_a_floor(package):
    unknown = {
        str(module.path)
        for module in package
        if not is_face(module) and not is_main(module) and room(module) not in FLOOR
    }
    assert not unknown, (
        "give the room a floor in ARCHITECTURE's order, or move the file"
    )


def test_imports_point_down(package):
    wrong = [
        f"{module.path}:{line.line} imports {line.name}"
        for module in package
        if not is_face(module) and not is_main(module)
        for line in module.imports
        if line.package == "ttjax" and not may_import(room(module), line.room)
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_imports_mains_or_data_sets(modules):
    mains = {module.name for module in modules if is_main(module)}
    # What mains share; and a training that is finished ends with its table.
    shared = {"ttjax.mains", "ttjax.evaluate"}
    wrong = [
        f"{module.path}:{line.line} imports {line.name}"
        for module in modules
        for line in module.imports
        if (line.room == "datasets" and module.path.parts[0] != "data")
        or any(
            f"{line.name}.".startswith(f"{main}.")
            for main in (mains - shared if is_main(module) else mains)
        )
    ]
    assert not wrong, "\n".join(wrong)


def test_data_sets_use_formats_media_and_each_other_only(modules):
    wrong = [
        f"{module.path}:{line.line} imports {line.name}"
        for module in modules
        if module.path.parts[0] == "data"
        for line in module.imports
        if line.package == "ttjax"
        and line.room not in ("formats", "geometry", "media", "datasets")
        and not (is_main(module) and line.room == "mains")
    ]
    assert not wrong, "\n".join(wrong)


def test_imports_inside_the_package_are_absolute(package):
    wrong = [
        f"{module.path}:{line.line}"
        for module in package
        for line in module.imports
        if line.name.startswith(".")
    ]
    assert not wrong, "\n".join(wrong)


def home_of(module, line) -> str | None:
    """Why this import of a third party is out of place, or None where it is at home."""
    if line.package in INSIDE_FUNCTIONS and line.function is None:
        return "imported inside functions only"
    if line.package == "torch":
        return "never imported by the package"
    parses = is_main(module) or module.name == "ttjax.train.arguments"
    if line.package == "tyro" and not (parses and line.function):
        return "imported inside the functions of mains only"
    if line.package == "grain" and room(module) != "pipeline":
        return "at home in ttjax.pipeline"
    if line.package == "orbax" and room(module) != "checkpoints":
        return "at home in ttjax.checkpoints"
    report = module.name == "ttjax.train.report"
    if line.package == "rich" and not (is_main(module) or report or line.function):
        return "at home in mains and ttjax.train.report"
    return None


def test_third_parties_are_imported_where_they_are_at_home(package):
    wrong = [
        f"{module.path}:{line.line} imports {line.package}: {reason}"
        for module in package
        if not is_face(module)
        for line in module.imports
        if (reason := home_of(module, line))
    ]
    assert not wrong, "\n".join(wrong)


def test_benchmarks_need_the_light_packages_only(modules):
    light = {"jax", "flax", "rich", "numpy", "jaxtyping", "ttjax", "bench", "torch"}
    # What makes a data set up to be read again, for a benchmark of reading alone.
    heavy = {"bench/stack_files.py": {"cv2", "tensorflow_datasets"}}
    wrong = [
        f"{module.path}:{line.line} imports {line.name}"
        for module in modules
        if module.path.parts[0] == "bench"
        for line in module.imports
        if (
            line.package not in light | sys.stdlib_module_names
            and not (
                line.function
                and line.package in heavy.get(module.path.as_posix(), set())
            )
        )
        or (
            line.package == "torch"
            and line.function is None
            # Twins in PyTorch, which nothing imports but with PyTorch at hand.
            and (
                module.path.parts[:2] != ("bench", "baselines")
                or module.path.stem == "__init__"
            )
        )
    ]
    assert not wrong, "\n".join(wrong)


def test_third_parties_are_declared(modules, root: pathlib.Path):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    optional = [line for name in extras.keys() - {"dev"} for line in extras[name]]
    declared = " ".join([*project["dependencies"], *optional]).lower()
    wrong = [
        f"{module.path}:{line.line} imports {line.package}"
        for module in modules
        for line in module.imports
        if line.package not in {"", "ttjax", "bench", *sys.stdlib_module_names}
        and distribution(line.package) not in declared
    ]
    assert not wrong, "\n".join(wrong)


def test_the_walk_sees_imports_wherever_they_hide(parse):
    text = """
import ttjax.nn.blocks
from ttjax import geometry
try:
    from ttjax.losses import binary
except ImportError:
    def f():
        def g():
            import cv2
"""
    found = [(i.name, i.room, i.function) for i in parse("ttjax/a.py", text).imports]
    assert found == [
        ("ttjax.nn.blocks", "nn", None),
        ("ttjax.geometry", "geometry", None),
        ("ttjax.losses.binary", "losses", None),
        ("cv2", "", "g"),
    ]


@pytest.mark.parametrize(
    ("path", "text", "at_home"),
    [
        ("ttjax/media/reader.py", "def f():\n import av", True),
        ("ttjax/media/reader.py", "import av", False),
        ("ttjax/sim/__main__.py", "def main():\n import tyro", True),
        ("ttjax/sim/__main__.py", "import tyro", False),
        ("ttjax/sim/rally.py", "def f():\n import tyro", False),
        ("ttjax/pipeline/loader.py", "import grain", True),
        ("ttjax/train/loop.py", "import grain", False),
        ("ttjax/train/loop.py", "import rich", False),
        ("ttjax/train/report.py", "import rich", True),
        ("ttjax/predictor/predictor.py", "from orbax import checkpoint", False),
    ],
)
def test_homes_of_third_parties(parse, path, text, at_home):
    module = parse(path, text)
    assert (home_of(module, module.imports[0]) is None) is at_home
