"""Losses on logits, one value and one weight per example."""
