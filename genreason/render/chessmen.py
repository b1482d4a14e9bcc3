"""Chessmen as flat pictures of one colour, each told from the others by its outline."""

from __future__ import annotations

from genreason.render.marks import Colour, Layer, Mark

_FOOT = ("square", 0.0, 0.84, 0.68, 0.14)
_MEN: dict[str, tuple[tuple[str, float, float, float, float], ...]] = {
    "pawn": (
        ("disc", 0, -0.34, 0.34, 0.34), ("triangle", 0, 0.3, 0.52, 0.56), ("square", 0, 0.84, 0.58, 0.14),
    ),
    "rook": (
        ("square", -0.5, -0.7, 0.16, 0.22), ("square", 0, -0.7, 0.16, 0.22),
        ("square", 0.5, -0.7, 0.16, 0.22), ("square", 0, -0.44, 0.66, 0.16),
        ("square", 0, 0.2, 0.42, 0.6), _FOOT,
    ),
    "knight": (("horse", 0, 0, 1, 1), _FOOT),
    "bishop": (
        ("disc", 0, -0.84, 0.14, 0.14), ("flame", 0, -0.26, 0.62, 0.5), ("square", 0, 0.3, 0.42, 0.09),
        ("triangle", 0, 0.54, 0.5, 0.3), _FOOT,
    ),
    "queen": (
        ("disc", -0.8, -0.5, 0.15, 0.15), ("disc", -0.36, -0.78, 0.15, 0.15),
        ("disc", 0.36, -0.78, 0.15, 0.15), ("disc", 0.8, -0.5, 0.15, 0.15),
        ("triangle", -0.58, -0.02, 0.24, 0.5),
        ("triangle", -0.24, -0.12, 0.2, 0.62), ("triangle", 0.24, -0.12, 0.2, 0.62),
        ("triangle", 0.58, -0.02, 0.24, 0.5), ("square", 0, 0.42, 0.66, 0.16),
        ("square", 0, 0.6, 0.54, 0.1), ("square", 0, 0.84, 0.74, 0.14),
    ),
    "king": (
        ("square", 0, -0.72, 0.1, 0.28), ("square", 0, -0.74, 0.28, 0.1), ("disc", -0.38, -0.02, 0.44, 0.42),
        ("disc", 0.38, -0.02, 0.44, 0.42), ("square", 0, 0.34, 0.52, 0.32), _FOOT,
    ),
}  # fmt: skip


def chessman(name: str, colour: Colour, scale: float = 0.8) -> Mark:
    """A chessman by its name ("queen")."""
    layers = tuple(Layer(shape, colour, x, y, w, h) for shape, x, y, w, h in _MEN[name])
    return Mark(name, colour, layers, scale)
