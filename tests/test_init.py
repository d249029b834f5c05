import re
import subprocess
import sys

import pytest

import ttjax
from ttjax import predictor


def test_the_face_gives_what_it_promises():
    assert ttjax.load is predictor.load
    assert ttjax.Predictor is predictor.Predictor
    assert re.match(r"\d", ttjax.__version__)
    assert set(ttjax.__all__) <= set(dir(ttjax))
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        _ = ttjax.lode  # pyright: ignore[reportAttributeAccessIssue]


def test_nothing_is_imported_before_it_is_used():
    program = "import sys, ttjax; print([m for m in sys.modules if m[:6] == 'ttjax.'])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
