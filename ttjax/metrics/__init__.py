"""Figures of quality: accumulators on the device, and intervals on the host."""

from ttjax.metrics.accumulators import Mean, Mergeable, Ratio, RootMean

__all__ = ["Mean", "Mergeable", "Ratio", "RootMean"]
