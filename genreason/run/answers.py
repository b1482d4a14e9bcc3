"""Text answers instead of clips: attach a file of them to a data set, to be graded by the judge `actions`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from genreason import seeds
from genreason.formats.dataset import DataSet
from genreason.generate.oracle import solution
from genreason.judge.actions import ActionsJudge
from genreason.puzzles import base
from genreason.run import files
from genreason.run.folder import RunFolder
from genreason.types import Clip, GenreasonError, Instance, Json, UserError

FLOOR_INSTANCES = 20
_EXAMPLE = '{"sample": "maze_0000", "text": "{\\"path\\": [\\"up\\", \\"left\\"]}"}'


def attach_answers(data: DataSet, path: Path, root: Path) -> RunFolder:
    """Make a run of text answers, and measure its floors.

    Each line of the file is an object `{"sample": "maze_0007", "text": "..."}`; several lines of a sample are
    its answers 0, 1, 2, ..., or have a `k` of their own. All other fields are kept. Answers to samples that
    the data set does not hold are listed in RUN/unmatched.txt.

    Raises:
        UserError: the file does not exist, a line is wrong, no line matches, or `root` holds another run.
    """
    known = {instance.sample_id: instance for instance in data.instances}
    found, stray = _read(path, known)
    generator: Json = {
        "name": path.stem, "kind": "answers", "expect": None, "options": {"path": str(path.resolve())},
    }  # fmt: skip
    samples = 1 + max(k for _, k in found)
    header = {"generator": generator, "seed": None, "samples": samples, "profile": None, "cards": {}}
    with files.disk(root):
        run = RunFolder.open_or_create(root, data, header)
        lines = []
        for (sample, k), record in sorted(found.items()):
            place = Path("answers") / sample / f"{k}.json"
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            files.write_json(root / place, record)
            lines.append({"sample": sample, "k": k, "path": str(place)})
        files.keep_lines(root / "clips.jsonl", lines)
        if stray:
            files.write_text(root / "unmatched.txt", "".join(f"{name}\n" for name in sorted(stray)))
        if not (root / "floors.json").exists():
            files.write_json(root / "floors.json", answer_floors(data))
    return run


def _read(path: Path, known: dict[str, Instance]) -> tuple[dict[tuple[str, int], Json], set[str]]:
    if not path.is_file():
        raise UserError(f"{path} does not exist: give a file of lines like {_EXAMPLE}")
    found: dict[tuple[str, int], Json] = {}
    stray: set[str] = set()
    counts: Counter[str] = Counter()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        where = f"{path} line {number}"
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise UserError(f"{where} is not JSON ({error}): write it like {_EXAMPLE}") from None
        if not isinstance(record, dict) or not isinstance(record.get("sample"), str):
            raise UserError(f"{where} names no sample: write it like {_EXAMPLE}")
        if not isinstance(record.get("text"), str):
            raise UserError(f"{where} has no text: write it like {_EXAMPLE}")
        sample = record["sample"]
        k = record.get("k", counts[sample])
        if type(k) is not int or k < 0:
            raise UserError(f"{where}: k is {k!r}, it must be 0, 1, 2, ...")
        counts[sample] += 1
        if sample not in known:
            stray.add(sample)
        elif (sample, k) in found:
            raise UserError(f"{where}: {sample} has an answer {k} already: give each its own k, or none")
        else:
            found[sample, k] = record
    if not found:
        raise UserError(f"no answer in {path} matches a sample of the data: write lines like {_EXAMPLE}")
    return found, stray


def answer_floors(data: DataSet) -> Json:
    """What saying nothing and babbling score: `{"still" | "noise": {task: {"mean", "n"}}}`.

    "still" is an empty list of moves; "noise" as many random moves as the solution has, drawn from those that
    are legal anywhere on it. Each is judged on the first 20 instances of every task.
    """
    judge = ActionsJudge()
    scores: dict[tuple[str, str], list[float]] = {}
    counts: Counter[str] = Counter()
    for instance in data.instances:
        counts[instance.task] += 1
        babble = _babble(instance) if counts[instance.task] <= FLOOR_INSTANCES else None
        if babble is None:
            continue
        for name, moves in (("still", []), ("noise", babble)):
            clip = Clip(meta={"text": files.line({"path": moves})})
            (verdict,) = judge.judge(instance, [clip])
            scores.setdefault((name, instance.task), []).append(float(verdict.status == "pass"))
    return {
        name: {
            task: {"mean": sum(s) / len(s), "n": len(s)} for task in counts if (s := scores.get((name, task)))
        }
        for name in ("still", "noise")
    }


def _babble(instance: Instance) -> list[str] | None:
    """Random moves; None for what is no puzzle of ours or has no solution."""
    if instance.scene.get("puzzle") is None:
        return None
    puzzle = base.load(instance.scene["puzzle"])
    try:
        moves = solution(instance)
    except GenreasonError:
        return None
    state, words = puzzle.start(instance), set()
    for move in moves:
        words |= {str(each) for each in puzzle.moves(state)}
        state = puzzle.step(state, move)
    rng = seeds.stream(instance.key, "babble")
    named = sorted(words)
    return [named[int(i)] for i in rng.integers(0, len(named), len(moves))]
