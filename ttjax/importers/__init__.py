"""Weights from elsewhere, as variables of our models."""
