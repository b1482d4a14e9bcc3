"""What VR-Bench's evaluator and ours say of the same doctored clips, as Markdown.

`python scripts/loopholes.py [--n N] [--data DATA]`. The puzzles are ours, made like VR-Bench's (its sizes, a
plain look, 12 frames a step at constant speed); with --data they are those of a data set, for instance one
imported from VR-Bench. What its evaluator gives was measured once with its own code on its own levels (commit
of 2026-02-04, threshold 0.05, 1000 samples, trackers NCC and CSRT) and is quoted here.
"""

import argparse
import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from genreason import cards, video
from genreason.cards import TaskCard
from genreason.formats.dataset import DataSet
from genreason.generate import edits
from genreason.generate.controls import CONTROLS
from genreason.generate.workshop import Workshop
from genreason.judge.rules import RulesJudge
from genreason.render.motion import Script
from genreason.task import Task
from genreason.types import Clip, Frame, Instance, Verdict

GAMES = {
    "maze": ("easy", 210, "classic"),
    "trapfield": ("medium", 448, "crosses"),
    "sokoban": ("easy", 320, "classic"),
}
"""Level, side in pixels and style."""
MOTION = {"frames_per_step": 12, "ease": "linear", "hold_start": 1, "hold_end": 0, "length": "any"}
DEEP = 0.45  # cells off the lane from which a straight line counts as through a wall
Make = Callable[[Workshop], Clip | None]


# -- the cases -----------------------------------------------------------------------------------------------
def truth(w: Workshop) -> Clip:
    return w.clip(w.truth)


def other_format(w: Workshop) -> Clip:
    """512 pixels wide, 81 frames, 16 frames a second."""
    script = w.animate(w.stops, length=81)
    height = round(512 * w.instance.size[1] / w.instance.size[0] / 2) * 2

    def frames() -> Iterator[Frame]:
        for frame in script.frames(w.board):
            yield np.asarray(cv2.resize(frame, (512, height), interpolation=cv2.INTER_LINEAR), np.uint8)

    return Clip(render=frames, fps=16.0)


def recoded(w: Workshop) -> Clip:
    return Clip(
        render=lambda: video.read(video.encode(w.truth.frames(w.board), w.instance.fps, crf=30)),
        fps=w.instance.fps,
    )


def other_shortest(w: Workshop) -> Clip | None:
    """A shortest way that leaves the stored one as early as any does."""
    left = len(w.moves)
    state, moves, parted = w.start, [], False
    while not w.puzzle.done(state):
        options = []
        for move in w.puzzle.moves(state):
            rest = w.puzzle.solve(w.puzzle.step(state, move))
            if rest is not None and len(rest) == left - len(moves) - 1:
                options.append(move)
        strange = [move for move in options if parted or move != w.moves[len(moves)]]
        parted = parted or bool(strange)
        moves.append((strange or options)[0])
        state = w.puzzle.step(state, moves[-1])
    return w.clip(w.animate(w.way(w.start, moves))) if parted else None


def jitter(pixels: float, w: Workshop) -> Clip:
    places = w.truth.places_TN2.copy()
    cell = np.array([w.board.lattice.cell_w, w.board.lattice.cell_h])
    places[1:] += w.rng.uniform(-pixels, pixels, places[1:].shape) / cell
    return w.clip(Script(places.astype(np.float32)))


def straight(w: Workshop) -> Clip | None:
    """From the start to the goal as the crow flies; in Sokoban the box slides by itself."""
    line = np.linspace(w.stops[0], w.stops[-1], len(w.truth)).astype(np.float32)
    if len(w.stops[0]) > 1:
        line[:, -1] = w.stops[0][-1]
    elif max(w.depth(float(x), float(y)) for x, y in line[::4, -1]) < DEEP:
        return None
    return w.clip(Script(line))


def there_and_back(w: Workshop) -> Clip:
    return w.clip(w.animate([*w.stops, *w.stops[-2::-1]]))


def without_middle(w: Workshop) -> Clip | None:
    """The middle third of the way is jumped over."""
    a, b = len(w.moves) // 3, -(-2 * len(w.moves) // 3)
    if np.abs(w.stops[b] - w.stops[a]).max() < 2:
        return None
    parts = [w.animate(w.stops[: a + 1]), w.animate(w.stops[b:])]
    return w.clip(Script(np.concatenate([part.places_TN2 for part in parts])))


def short(cells: float, w: Workshop) -> Clip:
    """Stops so many cells before the end of the last step."""
    stops = [stop.copy() for stop in w.stops]
    stops[-1] = (1 - cells) * stops[-1] + cells * stops[-2]
    return w.clip(w.animate([stop.astype(np.float32) for stop in stops]))


def half(w: Workshop) -> Clip | None:
    return w.clip(w.animate(w.stops[: len(w.stops) // 2 + 1])) if len(w.moves) > 2 else None


CASES: dict[str, tuple[str, Make]] = {
    "the solution": ("", truth),
    "other size, length and frame rate": ("", other_format),
    "half the speed": ("", CONTROLS["slow"].make),
    "compressed hard (CRF 30)": ("", recoded),
    "another shortest way": ("", other_shortest),
    "trembles by 1 px": ("", functools.partial(jitter, 1.0)),
    "trembles by 2 px": ("", functools.partial(jitter, 2.0)),
    "stops 0.45 cells short": ("", functools.partial(short, 0.45)),
    "stops 0.6 cells short": ("rules.goal", functools.partial(short, 0.6)),
    "stands still": ("rules.goal", edits.still),
    "backwards": ("scene.first_frame", CONTROLS["reversed"].make),
    "first half only": ("rules.goal", half),
    "straight through walls, traps; box by itself": ("rules.legal", straight),
    "jumps to the goal": ("objects.continuous", CONTROLS["cut"].make),
    "jumps over the middle third": ("objects.continuous", without_middle),
    "touches the goal, then goes back": ("rules.goal", there_and_back),
    "a copy stays at the start": ("objects.unique", CONTROLS["clone"].make),
    "scene erased, then straight": ("scene.kept", CONTROLS["scene_erased"].make),
    "corner cut through a wall": ("rules.legal", CONTROLS["corner_cut"].make),
}
"""Case: the check that it must break ("" for what must pass), and how it is made."""

THEIRS = {
    "the solution": ("EM 0, SR 0, PR 1, MF .996", "EM 1", "EM 1", "EM 1"),
    "other size, length and frame rate": ("EM 0, SR 0", "EM 1", "EM 1", "EM 1"),
    "half the speed": ("EM 0, SR 0", "EM 0, PR .344, SD .11", "EM 1", "EM 1"),
    "compressed hard (CRF 30)": ("EM 0, SR 0", "EM 1", "EM 1", "EM 1"),
    "another shortest way": ("", "", "EM 0, SR 1, PR .028, SD 0", ""),
    "trembles by 1 px": ("", "", "EM 1, SD .02", ""),
    "trembles by 2 px": ("", "", "EM 0, PR .274, SD .125", ""),
    "stops 0.45 cells short": ("EM 1 (*)", "EM 0, SR 0, PR .988 (*)", "EM 1 (*)", ""),
    "stands still": ("SR 0, PR .048, MF .999", "SR 0, PR .048", "SR 0, MF 1", "SR 0, PR .25, MF 1"),
    "backwards": ("SR 0, PR .034, MF .985", "SR 0", "SR 0", "SR 0"),
    "first half only": ("SR 0, PR .593", "SR 0, PR .546", "SR 0, PR .539", "SR 1, PR .75"),
    "straight through walls, traps; box by itself": (
        "SR 1, PR .307, MF .998", "SR 1, MF .997", "SR 1, PR .045, MF .998", "SR 1, MF .971",
    ),
    "jumps to the goal": ("SR 1, MF .999", "SR 0", "SR 0", "SR 0"),
    "jumps over the middle third": ("SR 1, PR .419", "SR 1", "SR 0", ""),
    "touches the goal, then goes back": ("SR 1, SD .09", "SR 1, SD .01", "SR 1, SD .42", "SR 1"),
    "a copy stays at the start": ("SR 0", "SR 1", "SR 0", "SR 1"),
    "scene erased, then straight": ("SR 1, MF .003", "SR 1, MF .004", "SR 1, MF .70", "SR 1, MF .04"),
    "corner cut through a wall": ("SR 1, PR .229 (*)", "SR 1 (*)", "SR 1, PR .405 (*)", ""),
}  # fmt: skip
"""Case: what VR-Bench's evaluator gives on maze/1/easy with its default tracker (NCC) and with CSRT, and on
trapfield/1/medium and sokoban/1/easy with NCC."""


# -- measuring -----------------------------------------------------------------------------------------------
def made(game: str, n: int) -> list[Instance]:
    """Puzzles of ours like VR-Bench's, in which no case lacks its occasion if that can be had."""
    level, pixels, style = GAMES[game]
    card = cards.load(TaskCard, game)
    plain = card.model_copy(update={"motion": card.motion.model_copy(update=MOTION)})
    task = Task(plain, level, split="any", style=style, size=(pixels, pixels), seed=11)
    apt = (task[i] for i in range(40 * n))
    found = []
    for instance in apt:
        w = Workshop(instance, "loopholes")
        bent = len({tuple(np.sign(b[-1] - a[-1])) for a, b in zip(w.stops, w.stops[1:], strict=False)}) > 1
        if len(w.moves) >= 5 and bent and straight(w) is not None:
            found.append(instance)
        if len(found) == n:
            break
    return found


def judged(instances: list[Instance], make: Make, name: str) -> list[Verdict]:
    judge, out = RulesJudge(), []
    for instance in instances:
        clip = make(Workshop(instance, name))
        if clip is None:
            continue
        data, fps = video.encode(video.frames(clip), video.fps(clip)), video.fps(clip)
        sent = Clip(render=functools.partial(video.read, data), fps=fps)
        out += judge.judge(instance, [sent])
    return out


def right(verdict: Verdict, breaks: str) -> bool:
    """Whether a clip passes as it must, or fails by the very check that it was made to break."""
    if not breaks:
        return verdict.status == "pass"
    return verdict.status == "fail" and verdict.checks[breaks] == 0


def said(verdicts: list[Verdict], breaks: str) -> str:
    """How many come out as they must."""
    if not verdicts:
        return "–"
    count = sum(right(verdict, breaks) for verdict in verdicts)
    return f"{'fail' if breaks else 'pass'} {count}/{len(verdicts)}" + (f" `{breaks}`" if breaks else "")


def figures(verdicts: list[Verdict]) -> str:
    """VR-Bench's metrics of the judge's own track, means; then ours."""
    parts = []
    for name in ("sr", "pr", "sd", "em", "mf"):
        values = [v.metrics[f"vrbench.{name}"] for v in verdicts if f"vrbench.{name}" in v.metrics]
        parts.append(f"{np.mean(values):.2f}" if values else "–")
    progress = [v.metrics["progress"] for v in verdicts if "progress" in v.metrics]
    return " / ".join(parts) + (f" / **{np.mean(progress):.2f}**" if progress else " / –") if verdicts else ""


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=5, help="puzzles of each game")
    parser.add_argument("--data", type=Path, help="a data set whose puzzles are taken instead")
    chosen = parser.parse_args()
    if chosen.data:
        found = DataSet.open(chosen.data).instances
        puzzles = {game: [i for i in found if i.scene.get("puzzle") == game][: chosen.n] for game in GAMES}
    else:
        puzzles = {game: made(game, chosen.n) for game in GAMES}
    verdicts = {
        case: {game: judged(puzzles[game], make, case) for game in GAMES} for case, (_, make) in CASES.items()
    }
    rows = []
    for case, (breaks, _) in CASES.items():
        theirs = [part or "–" for part in THEIRS.get(case, ("",) * 4)]
        rows.append([case, *theirs, *(said(verdicts[case][game], breaks) for game in GAMES)])
    print(table(
        ["clip", "VR-Bench: maze, NCC", "maze, CSRT", "trapfield, NCC", "sokoban, NCC",
         *(f"ours: {game}" for game in GAMES)], rows,
    ))  # fmt: skip
    print()
    print(table(
        ["SR / PR / SD / EM / MF / **progress**", *GAMES],
        [[case, *(figures(verdicts[case][game]) or "–" for game in GAMES)] for case in CASES],
    ))  # fmt: skip
    wrong = [
        f"{case}, {game}"
        for case, (breaks, _) in CASES.items()
        for game in GAMES
        if not all(right(verdict, breaks) for verdict in verdicts[case][game])
    ]
    print(f"\nVerdicts that are wrong: {'; '.join(wrong) or 'none'}")


if __name__ == "__main__":
    main()
