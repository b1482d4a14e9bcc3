"""The scaling curve as the coordinates of a small drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from genreason.types import Json

WIDTH, HEIGHT = 420, 190
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 10, 30
TICKS = 9  # at most so many numbers below the curve


def curve(points: Sequence[Json]) -> Json:
    """Where line, band and axes run.

    Args:
        points: `k`, `mean`, `low`, `high`, in order of k; shares in [0, 1].

    Returns:
        `width`, `height`, `left`, `right`, `bottom`, `top` (pixels of the drawing); `line` and `band` (path
        data), `dots` (x, y, k, mean), `xs` (x, label) and `ys` (y, label): k stands on a logarithmic scale.
    """
    last = math.log2(points[-1]["k"])
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def x(k: int) -> float:
        return round(LEFT + (right - LEFT) * math.log2(k) / last, 1)

    def y(share: float) -> float:
        return round(bottom - (bottom - TOP) * share, 1)

    low = [(x(p["k"]), y(p["low"])) for p in points]
    high = [(x(p["k"]), y(p["high"])) for p in points]
    ks = [p["k"] for p in points]
    if len(ks) > TICKS:
        ks = [k for k in ks[:-1] if k & (k - 1) == 0 and 1.3 * k < ks[-1]] + ks[-1:]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": right,
        "top": TOP,
        "bottom": bottom,
        "line": _path([(x(p["k"]), y(p["mean"])) for p in points]),
        "band": _path([*high, *reversed(low)]) + "Z",
        "dots": [{"x": x(p["k"]), "y": y(p["mean"]), "k": p["k"], "mean": p["mean"]} for p in points],
        "xs": [{"x": x(k), "label": str(k)} for k in ks],
        "ys": [{"y": y(share), "label": f"{100 * share:.0f} %"} for share in (0, 0.25, 0.5, 0.75, 1)],
    }


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points)
