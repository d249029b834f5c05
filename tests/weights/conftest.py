"""One made run, and its weights as they would ship, for all tests of the package."""

import pathlib

import pytest

from tests.weights import runs
from ttjax.weights import shipped


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return runs.save(tmp_path_factory.mktemp("run"), runs.metadata(ema_decay=0.9))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Published weights, alone in their home."""
    return runs.ship(tmp_path_factory.mktemp("home"))


@pytest.fixture
def home(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """Where the package's own weights seem to lie."""
    monkeypatch.setattr(shipped, "HOME", folder.parent)
    return folder.parent
