"""Codes of cells without a sign."""

EMPTY, BETWEEN, UNSURE, ALIEN = -1, -2, -3, -4
"""Nothing there; on the way; one of two signs; no sign of the board."""
FAINT = -5
"""A sign that is half there, in its place; counts as `BETWEEN`."""
