"""Small run folders written by hand: a disc on a board, its clips and its verdicts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from genreason import seeds
from genreason.types import Frame, Instance, Json, Verdict, Violation

SIZE = 128
CELL = 16
FPS = 24.0
CHECKS = (
    "rules.legal",
    "rules.goal",
    "objects.present",
    "objects.unique",
    "objects.continuous",
    "scene.first_frame",
    "scene.kept",
    "camera.still",
)
VIEW = [[1.0, 0.0, 32.0], [0.0, 1.0, 0.0]]  # of the letterboxed clip: 128 x 128 in the middle of 192 x 128
PALETTES = {"paper": ((244, 240, 230), (70, 74, 84)), "night": ((30, 34, 46), (120, 132, 160))}
PATH = [(1, 1), (5, 1), (5, 3), (2, 3), (2, 6), (6, 6)]

Point = tuple[float, float]


def instance(task: str, index: int) -> Instance:
    """An instance of a made-up puzzle: follow PATH (mirrored for odd indices)."""
    level, style = ("easy", "medium")[index % 2], ("paper", "night")[index // 2 % 2]
    return Instance(
        key=seeds.key("fixture", task, index),
        task=task,
        version=1,
        level=level,
        split="test",
        seed=7,
        index=index,
        style=style,
        state={"path": PATH},
        goal={},
        fingerprint=seeds.key(task, index),
        size=(SIZE, SIZE),
        fps=FPS,
        prompt=f"Move the disc along the floor to the ring. <b>Puzzle</b> {index} & its walls stay.",
        scene={"puzzle": task, "prompt": str(1 + index % 2)},
    )


def way(inst: Instance) -> list[Point]:
    """Centre of the disc in each frame of the truth."""
    corners = [(7 - x, y) if inst.index % 2 else (x, y) for x, y in PATH]
    points: list[Point] = [corners[0]] * 4
    for (x0, y0), (x1, y1) in zip(corners, corners[1:], strict=False):
        steps = 3 * (abs(x1 - x0) + abs(y1 - y0))
        points += [(x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps) for i in range(1, steps + 1)]
    points += [corners[-1]] * 4
    return [((x + 0.5) * CELL, (y + 0.5) * CELL) for x, y in points]


def picture(inst: Instance, disc: Point | None) -> Frame:
    """The board with the disc on it."""
    floor, wall = PALETTES[inst.style]
    frame = np.full((SIZE, SIZE, 3), wall, np.uint8)
    corners = [(7 - x, y) if inst.index % 2 else (x, y) for x, y in PATH]
    for (x0, y0), (x1, y1) in zip(corners, corners[1:], strict=False):
        low, high = (min(x0, x1), min(y0, y1)), (max(x0, x1) + 1, max(y0, y1) + 1)
        frame[low[1] * CELL : high[1] * CELL, low[0] * CELL : high[0] * CELL] = floor
    end = tuple(int((v + 0.5) * CELL) for v in corners[-1])
    cv2.circle(frame, end, 6, (46, 150, 90), 2, cv2.LINE_AA)
    if disc is not None:
        cv2.circle(frame, (round(disc[0]), round(disc[1])), 6, (208, 72, 52), -1, cv2.LINE_AA)
    return frame


def write_clip(path: Path, frames: list[Frame]) -> None:
    """H.264, yuv420p: what browsers play."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=int(FPS), options={"crf": "18", "preset": "veryfast"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def write_data(root: Path, tasks: tuple[str, ...] = ("maze", "sokoban"), n: int = 4) -> list[Instance]:
    """A data set folder with `n` samples a task."""
    instances = [instance(task, i) for task in tasks for i in range(n)]
    for inst in instances:
        folder = root / f"{inst.task}_task" / inst.sample_id
        folder.mkdir(parents=True)
        frames = [picture(inst, p) for p in way(inst)]
        cv2.imwrite(str(folder / "first_frame.png"), cv2.cvtColor(frames[0], cv2.COLOR_RGB2BGR))
        write_clip(folder / "ground_truth.mp4", frames)
    return instances


Answer = Callable[[Instance, int], tuple[list[Frame] | None, Verdict]]


def oracle(inst: Instance, k: int) -> tuple[list[Frame] | None, Verdict]:
    """The truth, which passes."""
    track = way(inst)
    return [picture(inst, p) for p in track], verdict(track)


def still(inst: Instance, k: int) -> tuple[list[Frame] | None, Verdict]:
    """The first frame all along, which never reaches the goal."""
    track = [way(inst)[0]] * len(way(inst))
    what = "the disc is not on the ring at the end"
    violation = Violation((len(track) - 1) / FPS, "rules.goal", what, track[-1])
    return [picture(inst, track[0])] * len(track), verdict(track, violation)


def model(inst: Instance, k: int) -> tuple[list[Frame] | None, Verdict]:
    """Right, through a wall, letterboxed with a disc that jumps, or no clip at all, by index and k."""
    track = way(inst)
    case = (inst.index + 2 * k) % 4
    if case == 0:
        return oracle(inst, k)
    if case == 1:
        a, b, cut = track[0], track[-1], 12
        line = [(a[0] + (b[0] - a[0]) * i / 40, a[1] + (b[1] - a[1]) * i / 40) for i in range(41)]
        what = f"the disc is in the wall at cell (3, {inst.index + 2})"
        broken = Violation(cut / FPS, "rules.legal", what, line[cut])
        late = Violation(30 / FPS, "scene.kept", "the scene changed in 14 cells: </script><b>bold</b>", None)
        return [picture(inst, p) for p in line], verdict(line, broken, late)
    if case == 2:
        jumped = track[:20] + track[48:]
        frames = [cv2.copyMakeBorder(picture(inst, p), 0, 0, 32, 32, cv2.BORDER_CONSTANT) for p in jumped]
        broken = Violation(20 / FPS, "objects.continuous", "the disc jumped 51 px in one frame", jumped[20])
        return frames, verdict(jumped, broken, view=VIEW, clip_size=[SIZE + 64, SIZE])
    return None, Verdict(status="unscored", score=None, reason="the clip is missing")


def verdict(track: list[Point], *violations: Violation, **evidence: Any) -> Verdict:
    """A verdict in the rules judge's shape."""
    broken = {v.check for v in violations}
    if violations and violations[0].check != "rules.goal":
        broken.add("rules.goal")
    ok = not violations
    seen: list[list[float] | None] = [[round(x, 1), round(y, 1)] for x, y in track]
    seen[5:7] = [None] * 2
    return Verdict(
        status="pass" if ok else "fail",
        score=float(ok),
        checks={name: float(name not in broken) for name in CHECKS},
        metrics={"solved": float(ok), "progress": 1.0 if ok else 0.3, "vrbench.pr": 0.95 if ok else 0.4},
        violations=violations,
        evidence={
            "fps": FPS,
            "size": [SIZE, SIZE],
            "clip_size": [SIZE, SIZE],
            "frames": len(track),
            "track": {"agent": seen},
            **evidence,
        },
    )


def write_run(
    root: Path,
    instances: list[Instance],
    answer: Answer,
    *,
    name: str,
    data: Path,
    expect: str | None = None,
    samples: int = 1,
) -> Path:
    """A judged run folder: clips, verdicts, manifest."""
    lines = []
    for inst in instances:
        for k in range(samples):
            frames, result = answer(inst, k)
            if frames is not None:
                write_clip(root / "clips" / inst.sample_id / f"{k}.mp4", frames)
                meta = {"text": "right, down, left, down, right", "seconds": 1.25, "seed": 7}
                (root / "clips" / inst.sample_id / f"{k}.json").write_text(json.dumps(meta))
            head = {"schema": 1, "sample": inst.sample_id, "key": inst.key, "k": k, "judge": "rules"}
            lines.append({**head, **result.to_json()})
    root.mkdir(parents=True, exist_ok=True)
    _json_lines(root / "verdicts" / "rules.jsonl", lines)
    _json_lines(root / "instances.jsonl", [inst.to_json() for inst in instances])
    manifest = {
        "schema": 1,
        "name": name,
        "command": f"genreason run maze --generator {name} --out R",
        "judge": "rules",
        "generator": {"name": name, "kind": "control", "expect": expect, "options": {}},
        "data": f"../{data.name}",
        "seed": 7,
        "data_hash": "8f3a0c52d1",
        "samples": samples,
        "created": "2026-01-05T10:20:30Z",
        "versions": {"genreason": "0.1.0", "python": "3.11.7", "av": "14.2.0"},
    }
    (root / "manifest.json").write_text(json.dumps(manifest))
    return root


def write_all(root: Path) -> list[Path]:
    """A data set and three runs on it: a model with two clips a sample, the oracle, and the still picture."""
    data = root / "data"
    instances = write_data(data)
    gate = {"clips": 400, "false_accepts": 0, "false_rejects": 1}
    model_run = write_run(root / "model", instances, model, name="wanderer", data=data, samples=2)
    figures: Json = {"totals": {k: 2 * v for k, v in gate.items()}, "tasks": {"maze": gate, "sokoban": gate}}
    (model_run / "gate.json").write_text(json.dumps(figures))
    floors = {"noise": {task: {"mean": 0.0, "n": 8} for task in ("maze", "sokoban")}}
    (model_run / "floors.json").write_text(json.dumps(floors))
    return [
        model_run,
        write_run(root / "oracle", instances, oracle, name="oracle", data=data, expect="pass"),
        write_run(root / "still", instances, still, name="still", data=data, expect="fail"),
    ]


def _json_lines(path: Path, records: list[Json]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record, sort_keys=True) + "\n" for record in records))
