from typing import Any, get_args

import jax
import numpy as np
import pytest

from ttjax import typing


def is_a(value: object, kind: Any) -> bool:
    # A `typing.Union` asks for the class alone and would forget the shape.
    return any(isinstance(value, one) for one in get_args(kind) or (kind,))


def test_keys_are_typed_and_single():
    assert is_a(jax.random.key(0), typing.PRNGKey)
    assert not is_a(jax.random.split(jax.random.key(0)), typing.PRNGKey)
    assert not is_a(np.zeros(2, np.uint32), typing.PRNGKey)


@pytest.mark.parametrize(
    ("shape", "dtype", "holds"),
    [
        ((9, 4, 8, 3), np.uint8, True),
        ((2, 9, 4, 8, 3), np.uint8, True),
        ((9, 4, 8, 4), np.uint8, False),
        ((9, 4, 8, 3), np.float32, False),
    ],
)
def test_stacks_are_bytes_with_three_colours(shape, dtype, holds):
    assert is_a(np.zeros(shape, dtype), typing.Stacks) is holds


def test_points_are_pairs_of_float32():
    assert is_a(np.zeros((5, 2), np.float32), typing.Points)
    assert not is_a(np.zeros((5, 3), np.float32), typing.Points)
    assert not is_a(np.zeros((5, 2), np.float64), typing.Points)


def test_every_exported_name_is_there():
    assert all(hasattr(typing, name) for name in typing.__all__)
