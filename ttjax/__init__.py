"""Understanding racket and team sports from video, in JAX.

`ttjax.load(NAME)` gives a `ttjax.Predictor`, of weights that ship or of a checkpoint;
both are imported when first used.
"""

import importlib
import importlib.metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ttjax.predictor import Predictor, load

    __version__: str

__all__ = ["Predictor", "__version__", "load"]

_HOMES = {"Predictor": "ttjax.predictor", "load": "ttjax.predictor"}


def __getattr__(name: str) -> Any:
    """Resolves the package's face: importing it alone costs next to nothing."""
    if name == "__version__":
        try:
            return importlib.metadata.version("ttjax")
        except importlib.metadata.PackageNotFoundError:
            return "0+uninstalled"
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ttjax' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
