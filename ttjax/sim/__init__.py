"""Simulated rallies, in pure JAX, from a key."""
