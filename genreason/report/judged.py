"""What a report says of judges that ask a model: calibration, cost, published figures, and disagreements."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np

from genreason import video
from genreason.judge import PROGRAMS, ledger
from genreason.judge.protocols import MENDED
from genreason.judge.settings import Price
from genreason.metrics import published
from genreason.metrics.agreement import bootstrap, cohen_kappa, krippendorff_alpha
from genreason.report.load import JudgedRun, Row
from genreason.types import Clip, Json, UnreadableClipError

MOST = 24  # disagreements that are listed
_FRAMES, _TILE = 6, 132  # of a contact sheet: frames, and pixels of the longer side of each
_FACETS = ("category", "dimension", "level", "type", "domain")


def use(run: JudgedRun) -> Json:
    """How the run's manifest says that its judge was used: {"kind", "options", "seed"}."""
    found: Json = (run.manifest.get("judges") or {}).get(run.judge) or {}
    return found


def asks(run: JudgedRun) -> bool:
    """Whether the run's judge asks a model."""
    return bool(use(run).get("kind", PROGRAMS[0]) not in PROGRAMS)


def calibration(run: JudgedRun) -> Json | None:
    """The figures of the judge's calibration that lie in the run folder."""
    path = run.path / "calibration" / f"{run.judge}.json"
    if not path.is_file():
        return None
    record: Json = json.loads(path.read_text(encoding="utf-8"))
    return record


def describe(run: JudgedRun) -> Json | None:
    """All that is said of a judge that asks a model; None of one that does not."""
    if not asks(run):
        return None
    used = use(run)
    options: Json = used.get("options") or {}
    kind, backend = str(used["kind"]), options.get("backend") or {}
    mode = str(options.get("mode", "fixed"))
    figures = published.FIGURES.get(kind)
    return {
        "judge": run.judge,
        "kind": kind,
        "model": backend.get("model"),
        "mode": mode,
        "mended": list(MENDED.get(kind, ())),
        "frames": options.get("frames"),
        "calibration": calibration(run),
        "published": figures(_rows(run), mode == "compatible") if figures else None,
        "agreement": _agreement(run),
        "spent": _spent(run, Price.model_validate(backend.get("price") or {})),
    }


def _rows(run: JudgedRun) -> list[published.Judged]:
    facets = {sample: _facets(instance) for sample, instance in run.instances.items()}
    return [
        published.Judged(row.sample, row.k, row.status, {**row.checks, **row.metrics}, facets[row.sample])
        for row in run.rows
    ]


def _facets(instance: Json) -> dict[str, str]:
    """What a benchmark calls the instance; a puzzle of ours is a game."""
    state = instance.get("state") or {}
    found = {name: str(state[name]) for name in _FACETS if isinstance(state.get(name), str)}
    own = {"category": "game", "level": str(instance["level"]), "task": str(instance["task"])}
    return {**own, **found}


def _spent(run: JudgedRun, price: Price) -> Json | None:
    files = sorted((run.path / "ledgers").glob(f"{run.judge}*.jsonl"))
    own = [file for file in files if file.stem == run.judge or file.stem.startswith(f"{run.judge}.")]
    if not own:
        return None
    sums = [ledger.read(file, price) for file in own]
    total = {name: round(sum(each[name] for each in sums), 6) for name in sums[0]}
    return {**total, "text": ledger.describe(total)}


def _agreement(run: JudgedRun) -> Json | None:
    """Krippendorff's alpha of a panel's members, over verdicts and over single answers."""
    statuses: list[list[str]] = []
    answers: list[list[str]] = []
    names: set[str] = set()
    if use(run).get("kind") != "panel":
        return None
    for row in run.rows:
        members: Json = row.evidence().get("members") or {}
        names |= set(members)
        statuses.append([m["status"] for m in members.values() if m["status"] != "unscored"])
        said: dict[str, list[str]] = defaultdict(list)
        for member in members.values():
            for question, answer in (member.get("answers") or {}).items():
                said[question].append(answer)
        answers += said.values()
    return {
        "members": sorted(names),
        "verdicts": _alpha(statuses, f"{run.name}/verdicts"),
        "answers": _alpha(answers, f"{run.name}/answers"),
        "split": sum(len(set(unit)) > 1 for unit in statuses),
    }


def _alpha(units: Sequence[Sequence[str]], name: str) -> Json:
    def alpha(picks: Sequence[int]) -> float | None:
        return krippendorff_alpha([units[i] for i in picks])

    found = bootstrap(units, alpha, f"alpha/{name}", 200)
    if found is None:
        return {"mean": None, "low": None, "high": None}
    return {key: round(float(value), 5) for key, value in found._asdict().items()}


# -- where judges disagree -----------------------------------------------------------------------------------
def disagreements(runs: Sequence[JudgedRun]) -> list[Json]:
    """Clips on which two judges of the same run disagree.

    Each pair of judges: {"run", "judges", "n": clips that both scored, "differ", "kappa", "clips": [
    {"sample", "k", "said": {judge: {"status", "reason"}}}]}; program against model first.
    """
    by_path: dict[Path, list[JudgedRun]] = defaultdict(list)
    for run in runs:
        by_path[run.path.resolve()].append(run)
    out = []
    for group in by_path.values():
        programs = any(not asks(run) for run in group)
        for a, b in combinations(sorted(group, key=asks), 2):
            if not asks(a) or not programs:  # models among themselves only where no program judged
                out.append(_pair(a, b))
    return [pair for pair in out if pair["n"]]


def _pair(a: JudgedRun, b: JudgedRun) -> Json:
    second = {(row.sample, row.k): row for row in b.rows if row.scored}
    first = [row for row in a.rows if row.scored and (row.sample, row.k) in second]
    both = [(row, second[row.sample, row.k]) for row in first]

    def kappa(picks: Sequence[int]) -> float | None:
        return cohen_kappa([both[i][0].status for i in picks], [both[i][1].status for i in picks])

    found = bootstrap(both, kappa, f"audit/{a.judge}/{b.judge}", 300)
    differ = [(x, y) for x, y in both if x.status != y.status]
    return {
        "run": a.name.removesuffix(f" ({a.judge})"),
        "judges": [a.judge, b.judge],
        "n": len(both),
        "differ": len(differ),
        "kappa": None if found is None else {k: round(float(v), 5) for k, v in found._asdict().items()},
        "clips": [
            {"sample": x.sample, "k": x.k, "said": {a.judge: _said(x), b.judge: _said(y)}}
            for x, y in differ[:MOST]
        ],
    }


def _said(row: Row) -> Json:
    return {"status": row.status, "reason": row.reason}


def pictures(runs: Sequence[JudgedRun], pairs: Sequence[Json]) -> Iterator[tuple[int, int, str]]:
    """A contact sheet for each listed disagreement: (pair, clip, data: address)."""
    for number, pair in enumerate(pairs):
        run = next(run for run in runs if run.judge == pair["judges"][0] and run.name.startswith(pair["run"]))
        for place, entry in enumerate(pair["clips"]):
            clip = run.clip(Row(sample=entry["sample"], k=entry["k"], status="fail"))
            try:
                if clip is not None:
                    yield number, place, sheet(Clip(path=clip))
            except UnreadableClipError:
                continue


def sheet(clip: Clip) -> str:
    """Frames of a clip side by side, evenly spread with both ends, as the data: address of a JPEG.

    Raises:
        UnreadableClipError: the clip cannot be read.
    """
    total = sum(1 for _ in video.frames(clip))
    wanted = {round(float(i)) for i in np.linspace(0, max(total - 1, 0), _FRAMES)}
    tiles = []
    for i, frame in enumerate(video.frames(clip)):
        if i in wanted:
            scale = _TILE / max(frame.shape[:2])
            size = max(round(frame.shape[1] * scale), 1), max(round(frame.shape[0] * scale), 1)
            tile = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
            tiles.append(cv2.copyMakeBorder(tile, 0, 0, 0, 4, cv2.BORDER_CONSTANT, value=[255, 255, 255]))
    bgr = cv2.cvtColor(np.concatenate(tiles, axis=1), cv2.COLOR_RGB2BGR)
    _, coded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return f"data:image/jpeg;base64,{base64.b64encode(coded.tobytes()).decode('ascii')}"
