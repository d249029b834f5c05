"""Trained networks as files that run without ttjax."""
