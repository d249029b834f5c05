"""What is installed: editable from a checkout, or as a wheel."""

import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest

from ttjax import weights

MADE = ("config.json", "README.md", "model-00001-of-00001.safetensors")


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def built(root, tmp_path_factory) -> pathlib.Path:
    """The wheel's folder tree, built without its archive and without a network."""
    place = tmp_path_factory.mktemp("build")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(root / name, place / name)
    skipped = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("ttjax", "data"):
        shutil.copytree(root / folder, place / folder, ignore=skipped)
    for name in MADE:
        path = place / "ttjax" / "weights" / "made" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("of a set of weights")
    subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build", "--build-lib", "out"],
        cwd=place,
        check=True,
        capture_output=True,
    )
    return place / "out"


def test_every_source_file_is_packed(modules, built):
    packed = {path.relative_to(built) for path in built.rglob("*.py")}
    expected = set()
    for module in modules:
        if module.path.parts[0] == "ttjax":
            expected.add(pathlib.Path(module.path))
        elif module.path.parts[0] == "data":
            expected.add(pathlib.Path("ttjax", "datasets", *module.path.parts[1:]))
    assert packed == expected
    assert (built / "ttjax" / "py.typed").exists()


def test_every_file_of_weights_is_packed(root, built):
    inside = pathlib.Path("ttjax", "weights")
    expected = {
        path.relative_to(root)
        for name in weights.names()
        for path in (root / inside / name).iterdir()
    }
    expected |= {inside / "made" / name for name in MADE}
    packed = {path.relative_to(built) for path in (built / inside).glob("*/*")}
    assert packed == expected


def test_data_sets_are_importable_as_a_part_of_the_package(built, tmp_path):
    program = "import ttjax.datasets; print(ttjax.datasets.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(built)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert pathlib.Path(done.stdout.strip()).is_relative_to(built)


def test_every_folder_of_the_package_is_a_package(modules, root):
    folders = {module.path.parent for module in modules}
    missing = [
        str(folder)
        for folder in folders
        if folder.parts[0] in ("ttjax", "data")
        and not (root / folder / "__init__.py").exists()
    ]
    assert not missing, "\n".join(missing)


def test_the_extras_are_those_of_the_readme(project, root):
    readme = (root / "README.md").read_text()
    for extra in project["optional-dependencies"]:
        assert f"`{extra}`" in readme


def pinned(path: pathlib.Path) -> dict[str, str]:
    lines = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", path.read_text(), re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in lines}


def names(requirements: list[str]) -> set[str]:
    found = (re.match(r"[A-Za-z0-9._-]+", line) for line in requirements)
    return {match.group().lower().replace("_", "-") for match in found if match}


@pytest.mark.parametrize("name", ["lock.txt", "lock-cuda12.txt", "constraints.txt"])
def test_requirements_pin_all_that_is_declared(name, project, root):
    extras = project["optional-dependencies"]
    every = {"lock.txt": ["dev"], "lock-cuda12.txt": ["dev", "cuda12"]}
    chosen = every[name] if name in every else list(extras)
    optional = [line for extra in chosen for line in extras[extra]]
    wanted = [*project["dependencies"], *optional]
    assert names(wanted) <= pinned(root / "requirements" / name).keys()


@pytest.mark.parametrize("name", ["lock.txt", "lock-cuda12.txt"])
def test_every_pin_of_a_lock_is_hashed(name, root):
    text = (root / "requirements" / name).read_text()
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        assert "==" in requirement
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", requirement), requirement


def test_requirements_hold_no_address(root):
    for path in (root / "requirements").iterdir():
        assert "://" not in path.read_text(), path.name


def test_metadata_agree(project, root):
    citation = (root / "CITATION.cff").read_text()
    assert f"version: {project['version']}" in citation
    assert project["license"] in citation
    assert "Apache License" in (root / "LICENSE").read_text()
    assert "## Unreleased" in (root / "CHANGELOG.md").read_text()


@pytest.mark.slow
def test_the_wheel_installs_and_imports_from_elsewhere(root, tmp_path, built):
    source = built.parent
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run(
        [*build, "--no-build-isolation", "-w", str(tmp_path / "wheels"), str(source)],
        check=True,
    )
    (wheel,) = (tmp_path / "wheels").glob("ttjax-*.whl")
    assert wheel.stat().st_size < 60e6
    target = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
        assert "ttjax/datasets/__init__.py" in archive.namelist()
    done = subprocess.run(
        [sys.executable, "-c", "import ttjax, ttjax.datasets; print(ttjax.__file__)"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(target)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert pathlib.Path(done.stdout.strip()).is_relative_to(target)
