"""A family's predictions from arrays by name, without its weights."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from ttjax.export.program import named
from ttjax.predictor import Network
from ttjax.task import Task


def of(task: Task, masks: bool) -> Callable[[Mapping[str, Any]], Any]:
    """What turns the results of an exported program back into predictions.

    Nothing is computed: the network is traced.
    """
    batch = task.spec(1)

    def answer(batch: Any) -> Any:
        inputs = task.inputs(batch, None, jnp.zeros(()))
        variables = task.config.model.init(jax.random.key(0), inputs)
        return Network(task, variables).answer(variables, batch, masks=masks)

    abstract = jax.eval_shape(answer, batch)
    names, form = list(named(abstract)), jax.tree.structure(abstract)
    return lambda arrays: jax.tree.unflatten(form, [arrays[name] for name in names])
