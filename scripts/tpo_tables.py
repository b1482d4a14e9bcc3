"""Tables and a chart of a report's test-time methods: `python scripts/tpo_tables.py REPORT.json [CHART.svg]`.

Prints Markdown; docs/experiments/test-time.md has what it prints.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from genreason.report.chart import chart

CLIPS = (1, 2, 4, 8, 16)
COLOURS = ("#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce", "#475569", "#be185d", "#a16207", "#0f766e")


def share(found: dict[str, Any]) -> str:
    if found["mean"] is None:
        return "-"
    return f"{100 * found['mean']:.1f} [{100 * found['low']:.1f}, {100 * found['high']:.1f}]"


def row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def methods(found: list[dict[str, Any]]) -> list[str]:
    """Success in percent by clips, and what a puzzle cost."""
    heads = [f"{n} clips" if n > 1 else "1 clip" for n in CLIPS]
    costs = ("clips made", "seconds", "CPU-seconds of making")
    lines = [row("method", "puzzles x seeds", *heads, "at the end", *costs)]
    lines.append(row(*["---"] * 11))
    for each in found:
        at = {point["x"]: point for point in each["clips"]}
        cost = each["cost"]
        lines.append(
            row(each["label"], f"{each['puzzles']} x {each['seeds']}",
                *(share(at[n]) if n in at else "" for n in CLIPS), share(each["success"]),
                f"{cost['clips']:.2f}", f"{cost['seconds']:.2f}", f"{cost['cpu']:.2f}")
        )  # fmt: skip
    return lines


def pairs(found: list[dict[str, Any]]) -> list[str]:
    """Differences in points at equal clips and at equal seconds."""
    lines = [row("second less first", "pairs", "clips", "points", "seconds", "points", "McNemar p, at clips"),
             row(*["---"] * 7)]  # fmt: skip
    for each in found:
        clips, seconds = each["clips"], each["seconds"]
        p = "< 0.0001" if clips["p"] < 1e-4 else f"{clips['p']:.4f}"
        lines.append(row(f"{each['b']} - {each['a']}", each["n"], clips["x"], share(clips), seconds["x"],
                         share(seconds), p))  # fmt: skip
    return lines


def passes(found: list[dict[str, Any]]) -> list[str]:
    """The unbiased pass@k, in percent."""
    each = next((m["pass_at_k"] for m in found if m["pass_at_k"]), None)
    if each is None:
        return []
    return [row("k", *each), row(*["---"] * (len(each) + 1)), row("pass@k", *map(share, each.values()))]


def drawing(found: list[dict[str, Any]]) -> str:
    """Success against clips as an SVG that stands alone."""
    parts = chart([{"label": each["label"], "points": each["clips"]} for each in found])
    w, h = parts["width"], parts["height"]
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h + 16 * len(found)}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    left, right, middle = parts["left"], parts["right"], (parts["left"] + parts["right"]) / 2
    for mark in parts["ys"]:
        out.append(f'<path d="M{left} {mark["y"]}H{right}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 6}" y="{mark["y"] + 4}" text-anchor="end">{mark["label"]}</text>')
    for mark in parts["xs"]:
        at = f'x="{mark["x"]}" y="{parts["bottom"] + 16}"'
        out.append(f'<text {at} text-anchor="middle">{mark["label"]}</text>')
    out.append(f'<text x="{middle}" y="{h}" text-anchor="middle">clips a puzzle</text>')
    for i, each in enumerate(parts["series"]):
        colour, y = COLOURS[i % len(COLOURS)], h + 16 * i + 8
        out.append(f'<path d="{each["band"]}" fill="{colour}" opacity="0.12"/>'
                   f'<path d="{each["line"]}" fill="none" stroke="{colour}" stroke-width="2"/>'
                   f'<path d="M{parts["left"]} {y}h18" stroke="{colour}" stroke-width="2"/>'
                   f'<text x="{parts["left"] + 24}" y="{y + 4}">{each["label"]}</text>')  # fmt: skip
    return "\n".join([*out, "</svg>"]) + "\n"


def main(arguments: list[str]) -> int:
    found = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))["methods"]
    for lines in (methods(found["methods"]), passes(found["methods"]), pairs(found["pairs"])):
        print("\n".join([*lines, ""]))
    if len(arguments) > 1:
        Path(arguments[1]).write_text(drawing(found["methods"]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
