"""Trained weights that come with the package, each set in a folder of its name.

`ttjax.load("NAME")` takes them wherever a checkpoint goes. They have seen simulated
data alone and are free to use; `publish` refuses all others.
"""

from ttjax.weights.places import (
    exists,
    find,
    load,
    load_metadata,
    load_task,
    load_variables,
    published,
)
from ttjax.weights.publication import publish
from ttjax.weights.shipped import names

__all__ = [
    "exists",
    "find",
    "load",
    "load_metadata",
    "load_task",
    "load_variables",
    "names",
    "publish",
    "published",
]
