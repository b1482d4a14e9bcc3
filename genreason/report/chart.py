"""Several curves in one small drawing, as coordinates."""

from __future__ import annotations

from collections.abc import Sequence

from genreason.types import Json

WIDTH, HEIGHT = 520, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 10, 34
TICKS = 8


def chart(series: Sequence[Json]) -> Json:
    """Where lines, bands and axes run.

    Args:
        series: each `{"label", "points": [{"x", "mean", "low", "high"}]}`; shares in [0, 1].

    Returns:
        `width`, `height`, `left`, `right`, `bottom`, `top` (pixels); `series`: `label`, `line` and `band`
        (path data), `dots` (x, y, at, mean); `xs` (x, label) and `ys` (y, label).
    """
    ends = [float(point["x"]) for each in series for point in each["points"] if point["mean"] is not None]
    last = max(ends, default=1.0) or 1.0
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def x(value: float) -> float:
        return round(LEFT + (right - LEFT) * value / last, 1)

    def y(share: float) -> float:
        return round(bottom - (bottom - TOP) * share, 1)

    drawn = []
    for each in series:
        points = [point for point in each["points"] if point["mean"] is not None]
        low = [(x(p["x"]), y(p["low"])) for p in points]
        high = [(x(p["x"]), y(p["high"])) for p in points]
        drawn.append(
            {
                "label": each["label"],
                "line": _path([(x(p["x"]), y(p["mean"])) for p in points]),
                "band": _path([*high, *reversed(low)]) + ("Z" if points else ""),
                "dots": [
                    {"x": x(p["x"]), "y": y(p["mean"]), "at": p["x"], "mean": p["mean"]} for p in points
                ],
            }
        )
    step = _step(last)
    marks = [step * i for i in range(int(last / step + 1e-9) + 1)]
    return {
        "width": WIDTH, "height": HEIGHT, "left": LEFT, "right": right, "top": TOP, "bottom": bottom,
        "series": drawn,
        "xs": [{"x": x(mark), "label": f"{mark:g}"} for mark in marks],
        "ys": [{"y": y(share), "label": f"{100 * share:.0f} %"} for share in (0, 0.25, 0.5, 0.75, 1)],
    }  # fmt: skip


def _step(last: float) -> float:
    """A round distance between marks."""
    size = 1e-6
    while True:
        for part in (1, 2, 5):
            if last / (size * part) <= TICKS:
                return round(size * part, 9)
        size *= 10


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points) if points else ""
