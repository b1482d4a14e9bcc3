"""Are injected words obeyed? Goes on from the clips of a run with another step than the model's own.

    python scripts/injected.py RUN --generator MODEL [--where midway|plan] --out LINES.jsonl

RUN holds clips of mazes, trap fields or Sokobans by a TV2TV model, judged by `rules`, one frame a step. In
each clip one step is drawn at which the figure could go another way that leaves the puzzle to be solved;
"at b2 go up" is said there instead. The step is obeyed if the next frame shows it. Prints shares with Wilson
intervals: obeyed, and how many clips reach the goal in the end all the same.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genreason import generate, seeds
from genreason.judge.rules import RulesJudge
from genreason.metrics import told
from genreason.metrics.stats import wilson
from genreason.puzzles import base
from genreason.run.folder import RunFolder
from genreason.train.world import name
from genreason.types import Clip, Instance, Json, Request

STEP = re.compile(r"at \S+ go (?:up|down|left|right)")
BATCH = 32


@dataclass(frozen=True, slots=True)
class Occasion:
    """A step (from 1) that goes another way than the model's own, and how it is asked for.

    Attributes:
        instance: the puzzle.
        step: its number.
        way: where to.
        begun: what `rethink` is told.
    """

    instance: Instance
    step: int
    way: str
    begun: Json

    @property
    def request(self) -> Request:
        """What the model is asked."""
        picture = base.load(self.instance.scene["puzzle"]).picture(self.instance)
        return Request(instance=self.instance, first_frame=picture, prompt=self.instance.prompt)


def occasions(run: RunFolder, where: str, seed: int) -> Iterator[Occasion]:
    """One of each clip in which there is one."""
    verdicts = {verdict["sample"]: verdict for verdict in run.verdicts("rules")}
    for instance in run.instances():
        path = run.clip_path(instance, 0)
        texts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["meta"]["text"]
        found = _step(instance, verdicts[instance.sample_id], seed)
        if found is None:
            continue
        step, room, way = found
        chunk = step if where == "midway" else 1
        said = _said(texts, step, f"at {room} go {way}", where)
        if said is not None:
            begun = {"clip": Clip(path=path), "text": texts, "chunk": chunk, "said": said}
            yield Occasion(instance, step, way, begun)


def ways(instance: Instance, verdict: Json) -> list[str | None]:
    """The steps that a clip shows."""
    return told.shown(instance, verdict["evidence"].get("track", {}).get("agent", ()))


def _step(instance: Instance, verdict: Json, seed: int) -> tuple[int, str, str] | None:
    """Number of a step that was reached legally, the room where it is made, and another way that is open."""
    puzzle: Any = base.load(instance.scene["puzzle"])
    state = puzzle.start(instance)
    rng = seeds.stream("injected", seed, instance.key)
    tiles = told.stride(instance)
    found = []
    for number, way in enumerate(ways(instance, verdict), start=1):
        others = [each for each in puzzle.moves(state) if each != way]
        others = [each for each in others if puzzle.solve(_gone(puzzle, state, each, tiles)) is not None]
        if others:
            row, col = divmod(state.agent, state.cols)
            found.append((number, name(row // tiles, col // tiles), others[int(rng.integers(len(others)))]))
        if way not in puzzle.moves(state):
            break
        state = _gone(puzzle, state, way, tiles)
    return found[int(rng.integers(len(found)))] if found else None


def _gone(puzzle: Any, state: Any, way: str | None, tiles: int) -> Any:
    """A room further."""
    for _ in range(tiles):
        state = puzzle.step(state, way)
    return state


def _said(texts: list[str], step: int, words: str, where: str) -> str | None:
    """What stands before the step's frame, or before the first one, with these words in place of its own."""
    if where == "midway":
        own = texts[step - 1] if step <= len(texts) else ""
        return own[: own.rfind("at ")] + words if "at " in own else words
    steps = list(STEP.finditer(texts[0]))
    if step > len(steps):
        return None
    own_step = steps[step - 1]
    return texts[0][: own_step.start()] + words + texts[0][own_step.end() :]


def main() -> None:
    """Ask, judge, write a line for each clip, and print the shares."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--generator", required=True, help="card or folder of the model that made the clips")
    parser.add_argument("--where", choices=("midway", "plan"), default="midway")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    card = generate.find(given.generator)
    model: Any = generate.load(card, card.options, None)
    judge = RulesJudge()
    asked = list(occasions(RunFolder(given.run), given.where, given.seed))
    lines: list[Json] = []
    for first in range(0, len(asked), BATCH):
        part = asked[first : first + BATCH]
        clips = model.rethink([o.request for o in part], [given.seed] * len(part), [o.begun for o in part])
        for each, clip in zip(part, clips, strict=True):
            verdict = judge.judge(each.instance, [clip])[0].to_json()
            shown = ways(each.instance, verdict)
            done = shown[each.step - 1] if each.step <= len(shown) else None
            passed = verdict["status"] == "pass"
            line = {"sample": each.instance.sample_id, "step": each.step, "way": each.way, "shown": done}
            lines.append({**line, "obeyed": done == each.way, "success": passed})
    given.out.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    for what in ("obeyed", "success"):
        mean, low, high = (100 * x for x in wilson(sum(line[what] for line in lines), len(lines)))
        print(f"{what}: {mean:.1f} % [{low:.1f}, {high:.1f}] of {len(lines)}")


if __name__ == "__main__":
    main()
