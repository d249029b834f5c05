import importlib.metadata

import jax
import pytest

from ttjax import doctor

REQUIRED = [
    "numpy>=2",
    "opencv-python",
    "jax[cuda12]; (sys_platform == 'linux') and extra == 'cuda12'",
    'absent-thing; extra == "coco"',
]


DECLARED = {
    "ttjax": REQUIRED,
    "jax": ["numpy>=2", 'jax-cuda12-plugin[with-cuda]==1; extra == "cuda12"'],
}


@pytest.fixture
def declared(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "requires", DECLARED.get)


def test_requirements_are_sorted_by_extra(declared):
    assert doctor.requirements() == {
        "": ["numpy", "opencv-python"],
        "cuda12": ["jax", "jax-cuda12-plugin"],
        "coco": ["absent-thing"],
    }


def test_a_problem_names_its_remedy():
    assert doctor.problem("numpy") is None
    assert "pip install absent-thing" in str(doctor.problem("absent-thing"))


def test_installed_is_the_version_or_none():
    assert doctor.installed("jax") == jax.__version__
    assert doctor.installed("absent-thing") is None


def test_findings_name_every_device_and_every_extra(declared, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = list(doctor.findings())
    assert [what for what, _ in found].count("device") == len(jax.devices())
    lines = dict(found)
    assert str(tmp_path / "ttjax") in lines["cache"]
    assert "jax-cuda12-plugin" in lines["extra cuda12"]
    assert "pip install 'ttjax[coco]'" in lines["extra coco"]


def test_main_counts_problems(declared, monkeypatch, capsys):
    assert doctor.main() == 0
    assert "ready" in capsys.readouterr().out
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: ["absent-thing"])
    assert doctor.main() == 1
    assert "absent-thing" in capsys.readouterr().err
