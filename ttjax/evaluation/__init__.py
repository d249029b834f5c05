"""Scores of a model on whole recordings: `evaluate` gives an `Evaluation`."""

from ttjax.evaluation.models import ByModel
from ttjax.evaluation.result import Evaluation
from ttjax.evaluation.rivals import ByPosition, Rival
from ttjax.evaluation.scoring import Watch, evaluate

__all__ = ["ByModel", "ByPosition", "Evaluation", "Rival", "Watch", "evaluate"]
