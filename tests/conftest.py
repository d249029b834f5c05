"""Every test runs with shape checking and with implicit rank promotion forbidden."""

import os
import pathlib

import jax
import pytest
from jaxtyping import install_import_hook

install_import_hook("ttjax", "beartype.beartype")

jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="session")
def real_data() -> pathlib.Path:
    """The directory of real recordings; the test is skipped where there is none."""
    root = os.environ.get("TTJAX_REAL_DATA")
    if not root:
        pytest.skip("TTJAX_REAL_DATA is not set")
    return pathlib.Path(root)
