"""All stages in one, with the floors that a score must be seen beside."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from genreason import cards
from genreason import generate as generators
from genreason import judge as judges
from genreason.cards import GeneratorCard, JudgeCard, SuiteCard, TaskCard
from genreason.executor import run_map
from genreason.formats.dataset import DataSet
from genreason.puzzles import base
from genreason.run import files
from genreason.run.folder import Progress, RunFolder
from genreason.run.generating import generate
from genreason.run.judging import judge
from genreason.run.making import make
from genreason.task import FPS
from genreason.types import Instance, Json, Request

FLOORS = ("still", "noise")
FLOOR_INSTANCES = 20  # per task: enough to see a floor that is not zero, cheap enough to measure in every run


def run(
    card: TaskCard | SuiteCard,
    generator: GeneratorCard,
    grader: JudgeCard,
    root: Path,
    *,
    generator_options: Json | None = None,
    judge_options: Json | None = None,
    level: str | None = None,
    n: int | None = None,
    split: str | None = None,
    style: str | None = None,
    seed: int = 0,
    size: tuple[int, int] | None = None,
    fps: float = FPS,
    prompt: str | None = None,
    samples: int = 1,
    workers: int = 1,
    progress: Progress | None = None,
) -> RunFolder:
    """Make the data (RUN/data), let the generator answer, let the judge grade, measure the floors.

    Every stage goes on where an earlier call ended; `make`, `generate` and `judge` explain the arguments.
    """
    answers = cards.with_options(generator, generator_options or {})
    # Wrong options, and a key that is missing, show before any work.
    judges.make_ready(judges.load(grader, cards.with_options(grader, judge_options or {})))
    if generator.kind != "folder":
        generators.load(generator, answers)
    data = make(
        card,
        root / "data",
        level=level,
        n=n,
        split=split,
        style=style,
        seed=seed,
        size=size,
        fps=fps,
        prompt=prompt,
        workers=workers,
        progress=progress,
    )
    made = generate(
        generator,
        data,
        root,
        options=generator_options,
        samples=samples,
        seed=seed,
        workers=workers,
        progress=progress,
    )
    judge(grader, made, options=judge_options, seed=seed, workers=workers, progress=progress)
    add_context(made, data, grader, options=judge_options, workers=workers, progress=progress)
    return made


def add_context(
    made: RunFolder,
    data: DataSet,
    grader: JudgeCard,
    *,
    options: Json | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> None:
    """Write RUN/floors.json where it is not there yet (for judges that cost nothing), and RUN/gate.json."""
    with files.disk(made.root):
        if grader.kind == "rules" and not (made.root / "floors.json").exists():
            found = floors(data, grader, options=options, workers=workers, progress=progress)
            files.write_json(made.root / "floors.json", found)
    add_gate(made, data)


def add_gate(made: RunFolder, data: DataSet) -> None:
    """Write RUN/gate.json, where the gate was run for any of the tasks."""
    gate = gate_figures(sorted({instance.task for instance in data.instances}))
    if gate is not None:
        with files.disk(made.root):
            files.write_json(made.root / "gate.json", gate)


def gate_figures(tasks: Sequence[str]) -> Json | None:
    """What the full gate found for the tasks (`genreason check --full`); None where it was not run."""
    from genreason import check  # it needs generators and judges: only where it is asked for

    return check.shipped(tasks)


def floors(
    data: DataSet,
    grader: JudgeCard,
    *,
    options: Json | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Json:
    """What doing nothing and making noise score: `{floor: {task: {"mean", "n"}}}`.

    Each is judged on the first 20 instances of every task; verdicts that are unscored count neither way.
    """
    merged = cards.with_options(grader, options or {})
    picked: dict[str, list[Instance]] = {}
    for instance in data.instances:
        if len(picked.setdefault(instance.task, [])) < FLOOR_INSTANCES:
            picked[instance.task].append(instance)
    items = [(name, instance) for name in FLOORS for instances in picked.values() for instance in instances]
    scores: dict[tuple[str, str], list[float]] = {}
    fn = functools.partial(_floor, grader, merged)
    for done, (item, score) in enumerate(
        zip(items, run_map(fn, items, workers=workers), strict=True), start=1
    ):
        found = scores.setdefault((item[0], item[1].task), [])
        if score is not None:
            found.append(score)
        if progress is not None:
            progress("floors", done, len(items))
    return {
        name: {task: {"mean": sum(s) / len(s), "n": len(s)} for task in picked if (s := scores[name, task])}
        for name in FLOORS
    }


def _floor(grader: JudgeCard, options: Json, item: tuple[str, Instance]) -> float | None:
    name, instance = item
    card = cards.load(GeneratorCard, name)
    picture = base.load(instance.scene["puzzle"]).picture(instance)
    request = Request(instance=instance, first_frame=picture, prompt=instance.prompt)
    clips = generators.load(card, card.options).generate([request], 0)
    (verdict,) = judges.load(grader, options).judge(instance, clips, 0)
    return None if verdict.status == "unscored" else float(verdict.status == "pass")
