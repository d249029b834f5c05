"""A trained model, applied to frames: one window, a whole clip, or a stream.

Whole RGB frames of any size go in, answers come back in source pixels. The predictor
knows a family only through its `Task`.
"""

from ttjax.predictor.network import Network
from ttjax.predictor.predictor import Predictor, load
from ttjax.predictor.stream import Stream, one_behind

__all__ = ["Network", "Predictor", "Stream", "load", "one_behind"]
