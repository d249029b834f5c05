"""What the paper printed: its ablations, as scores of our evaluator (Tables 6 to 9).

Voeikov et al. (2020), on OpenTTGames. Of the ball's heads it has the fully connected
one alone.
"""

import dataclasses
from collections.abc import Mapping

import jax.numpy as jnp

from ttjax.nn import cost
from ttjax.ttnet.config import Config

GMAC, PARAMETERS, LATENCY = "encoder/gmac", "encoder/parameters_m", "latency/ms"
"""What Table 6 tells of an encoder, and of the time of one input tensor."""


@dataclasses.dataclass(frozen=True)
class Row:
    """A metric of a table.

    metric: its name in the evaluator's table, or one of those above.
    values: as printed, one per column; None where the paper has none.
    """

    label: str
    metric: str
    higher: bool
    values: tuple[float | None, ...]
    digits: int = 3


@dataclasses.dataclass(frozen=True)
class Table:
    """A table as printed: variants side by side, a metric in each row."""

    title: str
    head: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def __post_init__(self):
        """Checks that every row has a value per column."""
        for row in self.rows:
            if len(row.values) != len(self.columns):
                raise ValueError(
                    f"A row has one value per column, {row.label!r} of {self.title!r} "
                    f"has {len(row.values)} for {len(self.columns)}: complete it."
                )


_METRICS: Mapping[str, tuple[str, bool, int]] = {
    "Global RMSE, px": ("ball_global/rmse_px", False, 2),
    "Local RMSE, px": ("ball_local/rmse_px", False, 2),
    "Global accuracy": ("ball_global/presence", True, 3),
    "Local accuracy": ("ball_local/presence", True, 3),
    "IoU": ("masks/iou", True, 3),
    "PCE": ("events/pce", True, 3),
    "SPCE": ("events/spce", True, 3),
    "Encoder GFLOPs": (GMAC, False, 3),
    "Parameters, M": (PARAMETERS, False, 3),
    "Inference time, ms": (LATENCY, False, 1),
}


def _rows(printed: Mapping[str, tuple[float | None, ...]]) -> tuple[Row, ...]:
    return tuple(
        Row(label, metric, higher, values, digits)
        for label, values in printed.items()
        for metric, higher, digits in (_METRICS[label],)
    )


_FRAMES = ("1", "3", "5", "7", "9")

TABLES: Mapping[str, Table] = {
    "6": Table(
        "Table 6: encoders, the full pipeline",
        "Feature extractor",
        ("ResNet-18", "TTNet-encoder"),
        _rows(
            {
                "Encoder GFLOPs": (2.260, 2.340),
                "Parameters, M": (11.250, 1.180),
                "Inference time, ms": (7.6, 6.0),
                "Global RMSE, px": (12.11, 6.79),
                "Local RMSE, px": (1.99, 1.97),
                "Global accuracy": (0.973, 0.975),
                "Local accuracy": (0.973, 0.978),
                "IoU": (0.943, 0.928),
                "PCE": (0.971, 0.977),
                "SPCE": (0.970, 0.970),
            }
        ),
    ),
    "7": Table(
        "Table 7: frames of a stack, the ball alone",
        "Frames",
        _FRAMES,
        _rows(
            {
                "Global RMSE, px": (30.93, 3.56, 3.08, 3.47, 3.60),
                "Local RMSE, px": (6.64, 1.23, 1.36, 1.46, 1.46),
                "Global accuracy": (0.955, 0.982, 0.982, 0.981, 0.980),
                "Local accuracy": (0.912, 0.983, 0.983, 0.983, 0.981),
            }
        ),
    ),
    "8": Table(
        "Table 8: frames of a stack, ball and events",
        "Frames",
        _FRAMES,
        _rows(
            {
                "PCE": (0.947, 0.940, 0.965, 0.970, 0.979),
                "SPCE": (0.931, 0.923, 0.954, 0.965, 0.975),
                "Global RMSE, px": (23.65, 7.02, 5.81, 5.79, 5.27),
                "Local RMSE, px": (5.53, 2.27, 1.71, 2.40, 2.03),
                "Global accuracy": (0.962, 0.978, 0.981, 0.979, 0.981),
                "Local accuracy": (0.928, 0.979, 0.983, 0.981, 0.982),
            }
        ),
    ),
    "9": Table(
        "Table 9: how the losses become one",
        "Loss",
        ("Unbalanced", "Manually weighted", "Balanced"),
        _rows(
            {
                "Global RMSE, px": (9.34, 7.74, 6.79),
                "Local RMSE, px": (2.93, 2.38, 1.97),
                "Global accuracy": (0.977, 0.977, 0.975),
                "Local accuracy": (0.975, 0.978, 0.978),
                "IoU": (0.938, 0.902, 0.928),
                "PCE": (0.976, 0.968, 0.977),
                "SPCE": (0.966, 0.963, 0.970),
            }
        ),
    ),
    "heads": Table(
        "The paper's fully connected ball head and the marginal one",
        "Ball head",
        ("FC", "Marginal"),
        _rows(
            {
                "Inference time, ms": (6.0, None),
                "Global RMSE, px": (6.79, None),
                "Local RMSE, px": (1.97, None),
                "Global accuracy": (0.975, None),
                "Local accuracy": (0.978, None),
                "IoU": (0.928, None),
                "PCE": (0.977, None),
                "SPCE": (0.970, None),
            }
        ),
    ),
}
"""By their number; `heads` is ours, beside what the paper says of its own head."""


def encoder_facts(network: Config) -> dict[str, float]:
    """Of one encoder: 10^9 multiply-accumulates and 10^6 parameters, as in Table 6.

    What the paper calls GFLOPs are multiply-accumulates: so counted, its own encoder
    and ResNet-18 have what it printed within 5 %.
    """
    variables = {
        kind: tree["global_encoder"]
        for kind, tree in network.abstract_variables().items()
        if "global_encoder" in tree
    }
    module = network.encoder.build(
        preprocessing=network.preprocessing,
        width=network.width,
        dropout=network.dropout,
        dtype=jnp.dtype(network.compute_dtype),
    )
    frames = network.abstract_inputs().frames
    return {
        GMAC: cost.macs(module.apply, variables, frames) / 1e9,
        PARAMETERS: cost.parameters(variables["params"]) / 1e6,
    }
