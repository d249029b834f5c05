"""Whole videos in, findings per frame and overlays out, in one pass."""
