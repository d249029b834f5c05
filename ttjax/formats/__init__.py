"""Annotation formats, parsed and written; the one home of each."""
