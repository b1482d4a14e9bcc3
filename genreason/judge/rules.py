"""The judge by program: reads the pixels, replays them on the rules, and adds the published metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from genreason import video
from genreason.generate.oracle import solution
from genreason.judge.settings import parse
from genreason.metrics import vrbench
from genreason.perceive.cells import CellTrack, follow_cells
from genreason.perceive.follow import TimeLimitError, follow
from genreason.perceive.rigs import follow_rig
from genreason.perceive.track import Track
from genreason.puzzles import base
from genreason.puzzles.boards import BoardPuzzle
from genreason.puzzles.physics import PhysicsPuzzle
from genreason.replay import Tolerances
from genreason.types import (
    Clip,
    Frame,
    GenreasonError,
    Instance,
    Json,
    UnreadableClipError,
    UserError,
    Verdict,
    unscored,
)
from genreason.verify import verify
from genreason.verify_cells import verify_cells
from genreason.verify_physics import verify_physics


class Settings(BaseModel):
    """Options of the judge's card: CPU-seconds a clip, VR-Bench's setting, tolerances."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time_limit: float = Field(10.0, gt=0)
    vrbench: str = "script"
    tolerances: Tolerances = Tolerances()


class RulesJudge:
    """Judges clips of puzzles that have rules of ours.

    Raises:
        UserError: an option is unknown or out of range.
    """

    def __init__(self, **options: Any) -> None:
        """`options`: see `Settings`."""
        self.settings = parse(Settings, options, "rules")
        if self.settings.vrbench not in vrbench.DEFAULTS:
            raise UserError(f"judge rules: option vrbench: there is {', '.join(vrbench.DEFAULTS)}")

    def judge(self, instance: Instance, clips: Sequence[Clip], seed: int = 0) -> list[Verdict]:
        """One verdict a clip; a clip that cannot be read is unscored with the reason."""
        if instance.scene.get("puzzle") is None:
            return [unscored(f"{instance.task} is no puzzle of ours: its rules are not known")] * len(clips)
        return [self._one(instance, clip) for clip in clips]

    def _one(self, instance: Instance, clip: Clip) -> Verdict:
        puzzle = base.load(instance.scene["puzzle"])
        try:
            if isinstance(puzzle, BoardPuzzle):
                return self._cells(puzzle, instance, clip)
            if isinstance(puzzle, PhysicsPuzzle):
                return self._physics(puzzle, instance, clip)
            assert isinstance(puzzle, base.PiecePuzzle), f"nothing reads clips of {puzzle.name}"
            return self._pieces(puzzle, instance, clip)
        except (UnreadableClipError, TimeLimitError) as error:
            return unscored(str(error))

    def _cells(self, puzzle: BoardPuzzle[Any, Any], instance: Instance, clip: Clip) -> Verdict:
        """A board of cells."""
        track = follow_cells(
            puzzle.scene(instance), video.frames(clip), video.fps(clip), time_limit=self.settings.time_limit
        )
        to_pixels = puzzle.board(instance).lattice.pixels
        verdict = verify_cells(puzzle, puzzle.start(instance), track, self.settings.tolerances, to_pixels)
        metrics = verdict.metrics if verdict.status != "unscored" else {}
        return replace(verdict, metrics=metrics, evidence=_seen(instance, track))

    def _physics(self, puzzle: PhysicsPuzzle[Any], instance: Instance, clip: Clip) -> Verdict:
        """A scene of physics."""
        state, rig = puzzle.start(instance), puzzle.rig(instance)
        track = follow_rig(
            rig, puzzle.places(state), puzzle.picture(instance), video.frames(clip), video.fps(clip),
            time_limit=self.settings.time_limit,
        )  # fmt: skip
        verdict = verify_physics(puzzle, state, track, self.settings.tolerances, rig.lattice.pixels)
        metrics = verdict.metrics if verdict.status != "unscored" else {}
        pixels = rig.lattice.pixels(track.places_TN2)
        return replace(verdict, metrics=metrics, evidence=_evidence(instance, track, pixels))

    def _pieces(self, puzzle: base.PiecePuzzle[Any, Any], instance: Instance, clip: Clip) -> Verdict:
        """Pieces that move."""
        state, board = puzzle.start(instance), puzzle.board(instance)
        places = puzzle.places(state)
        reading = _Reading(instance, puzzle, state)
        track = follow(
            board, places, puzzle.picture(instance), video.frames(clip), video.fps(clip),
            time_limit=self.settings.time_limit, watch=reading.watch,
        )  # fmt: skip
        verdict = verify(puzzle, state, track, self.settings.tolerances, board.lattice.pixels)
        metrics = {**verdict.metrics, **reading.metrics(track, self.settings.vrbench)}
        pixels = board.lattice.pixels(track.places_TN2)
        return Verdict(
            status=verdict.status, score=verdict.score, checks=verdict.checks,
            metrics=metrics if verdict.status != "unscored" else {}, violations=verdict.violations,
            reason=verdict.reason, evidence=_evidence(instance, track, pixels),
        )  # fmt: skip


class _Reading:
    """The published metrics of one clip, gathered while it is read."""

    def __init__(self, instance: Instance, puzzle: base.PiecePuzzle[Any, Any], state: Any) -> None:
        self.instance, self.puzzle, self.state = instance, puzzle, state
        self.lattice = puzzle.board(instance).lattice
        self.goals = self.lattice.pixels(puzzle.goals(state))
        self.start = self.lattice.pixels(puzzle.places(state))
        self.fidelity: vrbench.Fidelity | None = None
        self.before = (0.0, 0.0)  # where the player was, in the clip's pixels

    def watch(self, t: int, frame: Frame, positions: Callable[[], npt.NDArray[np.float32]]) -> None:
        if self.fidelity is None:
            sx, sy = frame.shape[1] / self.instance.size[0], frame.shape[0] / self.instance.size[1]
            self.before = float(self.start[-1, 0]) * sx, float(self.start[-1, 1]) * sy
            self.fidelity = vrbench.Fidelity(
                self.before,
                [(float(x) * sx, float(y) * sy) for x, y in self.goals],
                (self.lattice.cell_w * sx, self.lattice.cell_h * sy),
            )
        if t % vrbench.FIDELITY_STEP == 0:
            self.fidelity.watch(t, frame, self.before)
        elif (t + 1) % vrbench.FIDELITY_STEP == 0:
            x, y = positions()[-1]
            self.before = float(x), float(y)

    def metrics(self, track: Track, setting: str) -> dict[str, float]:
        fidelity = {"vrbench.mf": self.fidelity.score() if self.fidelity else 0.0}
        try:
            # Several where the data came with several ground truths, in their order.
            known = self.instance.scene.get("solutions") or [solution(self.instance)]
        except GenreasonError:  # an imported puzzle without a known solution: nothing to compare with
            return fidelity
        references = [np.stack(self.puzzle.stops(self.state, moves))[:, -1] for moves in known]
        size = np.array(self.instance.size, np.float64)
        paths = self.lattice.pixels(track.places_TN2) / size
        half = np.array([self.lattice.cell_w, self.lattice.cell_h]) / 2
        boxes = [vrbench.Box(*((goal - half) / size), *((goal + half) / size)) for goal in self.goals]
        pieces = self.puzzle.board(self.instance).pieces
        pushed = [i for i, piece in enumerate(pieces[:-1]) if not piece.fixed] or [len(pieces) - 1]
        movers = [np.asarray(paths[:, i], np.float64) for i in pushed]
        out = vrbench.best_metrics(
            np.asarray(paths[:, -1], np.float64),
            [self.lattice.pixels(reference) / size for reference in references],
            movers,
            boxes,
            setting,
        )
        return {**out, **fidelity}


def _evidence(instance: Instance, track: Track, pixels_TN2: npt.NDArray[np.float32]) -> Json:
    """What the report draws: tracks in first-frame pixels, the view, the camera."""
    tracks: Json = {}
    for i, name in enumerate(track.names):
        label = name if track.names.count(name) == 1 else f"{name}{track.names[:i].count(name)}"
        seen = track.presence_TN[:, i] >= 0.5
        tracks[label] = [
            [round(float(x), 1), round(float(y), 1)] if ok else None
            for (x, y), ok in zip(pixels_TN2[:, i], seen, strict=True)
        ]
    return {**_seen(instance, track), "track": tracks}


def _seen(instance: Instance, track: Track | CellTrack) -> Json:
    """What the report draws of any clip."""
    (ax, ay), (bx, by) = track.view.scale, track.view.offset
    return {
        "fps": track.fps,
        "frames": len(track),
        "size": list(instance.size),
        "clip_size": list(track.clip_size),
        "view": [[ax, 0.0, bx], [0.0, ay, by]],
        "view_kind": track.view.kind,
        "track": {},
        "camera": round(float(track.camera_T2.max()), 4),
    }
