"""Clips of VR-Bench's puzzles that came without states: read each puzzle from the clips' first frame.

Clips of one folder that begin with the same picture answer one puzzle, however they are called below a folder
with the game's name: `<game>/[<skin>/]<difficulty>/<model>.mp4`. What the picture does not tell, hints do:
`-o maze.player=red`, `-o trapfield.goal=6,6` (row, column), `-o sokoban.rows=8`.
"""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from genreason import seeds, video
from genreason.formats import dataset, intake
from genreason.formats.dataset import DataSet
from genreason.formats.intake import Intake, Sample
from genreason.formats.vrbench import instance_of
from genreason.formats.vrgames import FOLDERS, PUZZLES, Game
from genreason.perceive.follow import follow
from genreason.perceive.view import find_view
from genreason.puzzles import base
from genreason.replay import Tolerances
from genreason.types import Frame, GenreasonError, Instance, Json, UnreadableClipError, UserError, unknown
from genreason.verify import verify

FORM = "vrbench-clips"
DIFFICULTIES = ("easy", "medium", "hard")
LOOKS = 40  # frames of a clip that are looked at for what moves


def read(source: Path, out: Path, options: Json | None = None) -> DataSet:
    """Import the puzzles that the clips below `source` begin with.

    A clip whose puzzle cannot be read is named on standard error and left out.

    Args:
        source: a folder of clips.
        out: the data set's folder.
        options: hints, `game.name: value`, or `name: value` for all games that take it.

    Raises:
        UserError: there is no such folder or hint, or no clip can be used.
    """
    if not source.is_dir():
        raise UserError(f"{source}: no such folder")
    hints = {game.puzzle: _hints(game, options or {}) for game in PUZZLES.values()}
    found = Intake(out=out, form=FORM)
    numbers: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        for folder, clips in _folders(source, found).items():
            game = _game(folder.resolve())
            if game is None:
                found.skip(f"{folder}: no game of VR-Bench in its path ({', '.join(PUZZLES)})")
            else:
                bench = _Bench(source, found, game, hints[game.puzzle], Path(scratch))
                bench.add(clips, numbers)
    return found.finish(source)


@dataclass(frozen=True)
class _Clip:
    """A clip and its first frame."""

    path: Path
    first: Frame
    info: video.VideoInfo

    @property
    def rank(self) -> tuple[float, int]:
        """Which first frames show most: VR-Bench's pictures are square, and larger ones are sharper."""
        h, w = self.first.shape[:2]
        return round(abs(math.log(w / h)), 3), -w * h

    def frames(self, picture: Frame) -> Iterator[Frame]:
        """Some of its frames, as they lie over a picture that its first frame shows too."""
        view = find_view(picture, self.first)
        (sx, sy), (x, y) = view.scale, view.offset
        fit = np.array([[sx, 0, x + 0.5 * sx - 0.5], [0, sy, y + 0.5 * sy - 0.5]])
        size = picture.shape[1], picture.shape[0]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        step = max((self.info.frames or LOOKS) // LOOKS, 1)
        for t, frame in enumerate(video.read(self.path)):
            if t % step == 0:
                seen = cv2.warpAffine(frame, fit, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
                yield np.asarray(seen, np.uint8)


@dataclass(frozen=True)
class _Bench:
    """One folder of clips while it is read."""

    source: Path
    found: Intake
    game: Game
    hints: Json
    scratch: Path

    def add(self, clips: Sequence[_Clip], numbers: Counter[str]) -> None:
        """Add the puzzles of these clips."""
        rest = sorted(clips, key=lambda clip: clip.rank)
        while rest:
            shown, *rest = rest
            try:
                instance = self._instance(shown, [shown, *rest], numbers[self.game.puzzle])
                answers = [shown, *(clip for clip in rest if _begins(instance, clip))]
            except UserError as error:
                self.found.skip(f"{shown.path.relative_to(self.source)}: {error}")
                continue
            rest = [clip for clip in rest if clip not in answers]
            names = sorted((_name(clip.path, self.source) for clip in answers), key=intake.natural)
            source = {"format": FORM, "clips": names, "first_frame": _name(shown.path, self.source)}
            assert instance.first_frame is not None
            self.found.add(Sample(instance=instance, first_frame=instance.first_frame, source=source))
            self.found.note(f"{instance.sample_id} is asked by {', '.join(names)}: {_words(instance)}")
            numbers[self.game.puzzle] += 1

    def _instance(self, shown: _Clip, clips: Sequence[_Clip], index: int) -> Instance:
        picture = shown.first
        level = self.game.read(picture, self.hints, [clip.frames(picture) for clip in clips])
        name = _name(shown.path, self.source)
        path = self.scratch / f"{hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}.png"
        dataset.write_png(path, picture)
        digest = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        *skin, difficulty = ("", *_below(shown.path.resolve()))
        instance = instance_of(
            level,
            key=seeds.key(FORM, name, digest, level.state),
            difficulty=difficulty or "default",
            split="eval",
            style=":".join(["vrbench", *filter(None, skin)]),
            prompt=None,
            index=index,
            fps=shown.info.fps,
            image=path,
        )
        base.load(level.puzzle).board(instance)  # says what a picture lacks to be judged against
        return instance


def _folders(source: Path, found: Intake) -> dict[Path, list[_Clip]]:
    """The clips that can be read, by folder."""
    folders: dict[Path, list[_Clip]] = defaultdict(list)
    for path in sorted(source.rglob("*"), key=intake.natural):
        if path.suffix.lower() not in video.SUFFIXES or path.name.startswith(".") or not path.is_file():
            continue
        try:
            folders[path.parent].append(_Clip(path, next(iter(video.read(path))), video.probe(path)))
        except (UnreadableClipError, StopIteration) as error:
            found.skip(f"{path.relative_to(source)}: {error or 'the clip has no frames'}")
    return folders


def _game(folder: Path) -> Game | None:
    return next((FOLDERS[part] for part in reversed(folder.parts) if part in FOLDERS), None)


def _below(path: Path) -> tuple[str, ...]:
    """The folders between the game's and the clip."""
    parts = path.parts[:-1]
    start = max((i for i, part in enumerate(parts) if part in FOLDERS), default=len(parts) - 1)
    return parts[start + 1 :]


def _name(path: Path, source: Path) -> str:
    """The clip's place from `source` on, or from the game's folder on where that is above it."""
    parts = path.resolve().parts
    game = max((i for i, part in enumerate(parts[:-1]) if part in FOLDERS), default=len(parts))
    return "/".join(parts[min(len(source.resolve().parts), game) :])


def _hints(game: Game, options: Json) -> Json:
    """The hints for one game.

    Raises:
        UserError: no game takes a hint of that name.
    """
    found: Json = {}
    for name, value in options.items():
        whose, dot, hint = name.rpartition(".")
        if dot and whose not in FOLDERS:
            raise unknown("game", whose, PUZZLES)
        known = FOLDERS[whose].hints if dot else [hint for each in PUZZLES.values() for hint in each.hints]
        if hint not in known:
            raise unknown(f"hint for {whose or 'a game'}", hint, set(known))
        if FOLDERS.get(whose, game) is game and hint in game.hints:
            found[hint] = value
    return found


def _begins(instance: Instance, clip: _Clip) -> bool:
    """Whether a clip begins with the puzzle's picture, as the judge sees it."""
    puzzle = base.load_pieces(instance.scene["puzzle"])
    state, board = puzzle.start(instance), puzzle.board(instance)
    try:
        twice = [clip.first] * 2  # one frame alone is no clip
        track = follow(board, puzzle.places(state), puzzle.picture(instance), twice, instance.fps)
    except GenreasonError:
        return False
    verdict = verify(puzzle, state, track, Tolerances(), board.lattice.pixels)
    return verdict.checks.get("scene.first_frame") == 1.0


def _words(instance: Instance) -> str:
    """Where the pieces and goals of the puzzle were seen."""
    puzzle = base.load_pieces(instance.scene["puzzle"])
    state, board = puzzle.start(instance), puzzle.board(instance)
    names = [*(piece.name for piece in board.pieces), *("goal" for _ in puzzle.goals(state))]
    pixels = board.lattice.pixels(np.concatenate([puzzle.places(state), puzzle.goals(state)]))
    return ", ".join(f"{name} at ({x:.0f}, {y:.0f})" for name, (x, y) in zip(names, pixels, strict=True))
