"""Samples from files: windows, caches, loaders; host side."""
