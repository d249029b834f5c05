"""Cameras, maps and the measures of what is played on."""
