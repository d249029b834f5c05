"""Every test runs with shape checking and with implicit rank promotion forbidden."""

import os
import pathlib

import flax.struct
import jax
import numpy as np
import pytest
from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook, jaxtyped

flax_dataclass = flax.struct.dataclass


def checked_dataclass(cls=None, **options):
    """`flax.struct.dataclass` whose fields are checked where they hold arrays.

    JAX rebuilds such classes with placeholders too: shapes, axes, shardings, booleans.
    """
    if cls is None:
        return lambda cls: checked_dataclass(cls, **options)
    made = flax_dataclass(cls, **options)
    plain = made.__init__
    tower = beartype(conf=BeartypeConf(is_pep484_tower=True))
    checked = jaxtyped(plain, typechecker=tower)

    def init(self, *args, **kwargs):
        values = (*args, *kwargs.values())
        leaves = jax.tree.leaves([v for v in values if not isinstance(v, dict)])
        kinds = (jax.Array, np.ndarray)
        arrays = leaves and all(isinstance(leaf, kinds) for leaf in leaves)
        (checked if arrays else plain)(self, *args, **kwargs)

    made.__init__ = init
    made.__no_type_check__ = True  # the hook would check placeholders again
    return made


flax.struct.dataclass = checked_dataclass
# An int may stand for a float, as in every other type checker.
install_import_hook(
    "ttjax", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
)

jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory: pytest.TempPathFactory):
    """What is compiled again, as by a resumed run, comes from the session's cache."""
    before = {
        "jax_compilation_cache_dir": None,
        "jax_persistent_cache_min_compile_time_secs": 1.0,
        "jax_persistent_cache_min_entry_size_bytes": 0,
    }
    path = str(tmp_path_factory.mktemp("xla"))
    jax.config.update("jax_compilation_cache_dir", path)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    yield path
    for name, value in before.items():
        jax.config.update(name, value)


def pytest_report_header() -> list[str]:
    devices = ", ".join(map(str, jax.devices()))
    real = os.environ.get("TTJAX_REAL_DATA", "none: TTJAX_REAL_DATA is not set")
    return [f"jax {jax.__version__} on {devices}", f"real data: {real}"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "real_data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.real)


@pytest.fixture(scope="session")
def real_data() -> pathlib.Path:
    """The directory of real recordings; the test is skipped where there is none."""
    root = os.environ.get("TTJAX_REAL_DATA")
    if not root:
        pytest.skip("TTJAX_REAL_DATA is not set")
    return pathlib.Path(root)
