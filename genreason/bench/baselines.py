"""What others need for the same work, measured once with their own code on a machine of this kind.

maze-dataset 1.4.2: mazes with solution per CPU-second. VR-Bench at its commit of 2026-02-04: CPU-milliseconds
of a full save with the frames of the clips saved (the middle of their range), and CPU-seconds in which its
evaluator scores one clip with its trackers.
"""

from __future__ import annotations

from dataclasses import dataclass

MAZE_DATASET = {8: 433, 16: 80, 32: 24.6}


@dataclass(frozen=True, slots=True)
class Save:
    """VR-Bench's save of one sample.

    Attributes:
        px: side of its pictures.
        cpu_ms: of the save.
        frames: of its clip.
        pace: frames at its speed for one step of ours (a tile; the width of a road; an edge of a cube).
    """

    px: int
    cpu_ms: float
    frames: int
    pace: int = 12


SAVES = {
    ("maze", "easy"): Save(210, 277, 79),
    ("maze", "medium"): Save(330, 834, 295),
    ("maze", "hard"): Save(450, 2040, 457),
    ("sokoban", "easy"): Save(320, 250, 31),
    ("sokoban", "medium"): Save(512, 1278, 271),
    ("sokoban", "hard"): Save(768, 2677, 235),
    ("trapfield", "easy"): Save(320, 338, 73),
    ("trapfield", "medium"): Save(448, 713, 115),
    ("trapfield", "hard"): Save(704, 2697, 199),
    ("irregular_maze", "easy"): Save(1024, 4263, 178, pace=14),
    ("irregular_maze", "medium"): Save(1024, 6265, 267, pace=12),
    ("irregular_maze", "hard"): Save(1024, 8063, 331, pace=9),
    ("maze3d", "easy"): Save(740, 8184, 132),
    ("maze3d", "medium"): Save(740, 11228, 192),
    ("maze3d", "hard"): Save(740, 11343, 192),
}
"""By task and level."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """VR-Bench's evaluator on one clip: side of its frames, their number, CPU-seconds by tracker."""

    task: str
    level: str
    px: int
    frames: int
    ncc: float
    csrt: float | None


SCORINGS = (
    Scoring("maze", "easy", 210, 97, 0.379, 3.34),
    Scoring("maze", "medium", 330, 181, 0.825, 6.40),
    Scoring("maze", "hard", 450, 313, 1.27, 10.9),
    Scoring("sokoban", "medium", 512, 157, 1.31, 12.0),
    Scoring("trapfield", "hard", 704, 205, 1.37, 12.1),
    Scoring("maze3d", "medium", 752, 168, 1.28, 17.0),
    Scoring("irregular_maze", "medium", 1024, 289, 3.11, None),
)
