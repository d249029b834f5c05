import pathlib

import jax
import pytest

from ttjax import caches


def test_the_directory_follows_the_users_choice(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert caches.directory() == tmp_path / "ttjax"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert caches.directory() == tmp_path / ".cache" / "ttjax"


def test_megabytes_counts_every_file_below(tmp_path):
    assert caches.megabytes(tmp_path / "absent") == 0
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(bytes(1_500_000))
    (tmp_path / "c").write_bytes(bytes(500_000))
    assert caches.megabytes(tmp_path) == pytest.approx(2.0)


def test_compilations_are_kept_where_jax_was_told_or_in_the_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, compiled_once: str
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert str(caches.keep_compilations()) == compiled_once
    jax.config.update("jax_compilation_cache_dir", None)
    try:
        assert caches.keep_compilations() == tmp_path / "ttjax" / "xla"
        assert caches.keep_compilations().is_dir()
    finally:
        jax.config.update("jax_compilation_cache_dir", compiled_once)
