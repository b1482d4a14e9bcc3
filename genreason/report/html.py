"""One self-contained page of a report: figures, failures, and every sample to look at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreason.metrics import vrbench
from genreason.report import judged as judging
from genreason.report import methods as telling
from genreason.report.aggregate import FLOORS, summarise
from genreason.report.chart import chart
from genreason.report.curve import curve
from genreason.report.load import JudgedRun, Row, load_runs
from genreason.report.media import Library
from genreason.types import Json, UserError

if TYPE_CHECKING:
    import jinja2

_TEMPLATES = Path(__file__).with_name("templates")
_SCRIPTS = ("player.js", "browser.js")
_GROUPS = ("rules", "objects", "scene", "camera")
_EVIDENCE = ("fps", "size", "clip_size", "frames", "track", "view")
_INSTANCE = ("task", "level", "style", "prompt", "size", "fps", "split", "seed")
_STATUS_ORDER = {"fail": 0, "unscored": 1, "pass": 2}
_KINDS = (
    (None, "Models and clips"),
    ("pass", "Must pass: they prove that the judge accepts what is right"),
    ("fail", "Must fail: they prove that the judge rejects what is wrong"),
)


def write_report(runs: Sequence[Path], out: Path, max_embed_mb: float = 64) -> Path:
    """Write `report.json` and a self-contained `report.html` about some run folders.

    Args:
        runs: judged run folders.
        out: folder for the two files; made where it does not exist.
        max_embed_mb: megabytes of clips and pictures that go into the page (failing samples first); the rest
            is linked by relative path.

    Returns:
        The page's path.

    Raises:
        UserError: a folder is not a judged run, or jinja2 is not installed.
    """
    environment = _environment()
    judged = load_runs(runs)
    report = summarise(judged)
    out.mkdir(parents=True, exist_ok=True)
    _write(out / "report.json", [json.dumps(report, indent=1, sort_keys=True) + "\n"])
    library = Library(folder=out, budget=int(max_embed_mb * 1e6))
    index, evidence = _index(judged, report, library)
    page = environment.get_template("page.html.j2").generate(
        **_context(report),
        index=index,
        media=library.contents(),
        evidence=evidence,
        linked=library.linked,
        max_embed_mb=max_embed_mb,
        css=_text("report.css") + _text("judges.css") + _text("methods.css"),
        methods=report["methods"],
        told=telling.story(judged),
        disagreements=_with_pictures(judged, report["disagreements"]),
        js="\n".join(_text(name) for name in _SCRIPTS),
    )
    _write(out / "report.html", page)
    return out / "report.html"


def _with_pictures(runs: Sequence[JudgedRun], pairs: Sequence[Json]) -> list[Json]:
    """Disagreements with contact sheets of their clips."""
    shown = [{**pair, "clips": [{**clip, "sheet": None} for clip in pair["clips"]]} for pair in pairs]
    for number, place, sheet in judging.pictures(runs, pairs):
        shown[number]["clips"][place]["sheet"] = sheet
    return shown


def _environment() -> jinja2.Environment:
    try:
        import jinja2
    except ModuleNotFoundError as error:
        raise UserError('the report needs jinja2: pip install "genreason[report]"') from error
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(pct=_percent, num=_number, plain=_plain, curve=curve, chart=chart)
    return environment


def _context(report: Json) -> Json:
    """What the template needs beside the report itself."""
    runs = [{"id": i, **_run_floors(run, report["floors"]), **run} for i, run in enumerate(report["runs"])]
    kinds = [
        {"title": title, "expect": expect, "runs": [run for run in runs if run["expect"] == expect]}
        for expect, title in _KINDS
    ]
    kinds = [kind for kind in kinds if kind["runs"]]
    ordered = [run for kind in kinds for run in runs if run["expect"] == kind["expect"]]
    by_judge = report["floors"].values()
    return {
        "report": report,
        "kinds": kinds,
        "ordered": ordered,
        "shared": _shared([run["header"] for run in runs]),
        "tasks": sorted({task for run in runs for task in run["by"]["task"]}),
        "clips": sum(run["n"] for run in runs),
        "floor_names": FLOORS,
        "vrbench_names": vrbench.NAMES,
        "all_floors": {
            name: [task[name]["mean"] for tasks in by_judge for task in tasks.values() if name in task]
            for name in FLOORS
        },
        "check_groups": [(group, [_grouped(run, group) for run in runs]) for group in _groups(runs)],
    }


def _shared(headers: Sequence[Json]) -> list[str]:
    """The line under the title: what all runs have in common of date, version, seed and data."""
    versions = {str((header.get("versions") or {}).get("genreason", "")) for header in headers}
    days = sorted({str(header["created"])[:10] for header in headers if header.get("created")})
    line = [" to ".join(dict.fromkeys([days[0], days[-1]]))] if days else []
    line += [f"genreason {version}" for version in versions if version and len(versions) == 1]
    for name, label in (("seed", "seed"), ("data_hash", "data")):
        values = {str(header[name])[:12] for header in headers if header.get(name) is not None}
        line += [f"{label} {value}" for value in values if len(values) == 1]
    return line


def _groups(runs: Sequence[Json]) -> list[str]:
    """Check groups in their order of reading; a judge may bring its own, they come last."""
    found = {name.split(".")[0] for run in runs for name in run["checks"]}
    return [*(g for g in _GROUPS if g in found), *sorted(found - set(_GROUPS))]


def _grouped(run: Json, group: str) -> list[tuple[str, Json]]:
    checks = [(name, check) for name, check in run["checks"].items() if name.split(".")[0] == group]
    return sorted(checks, key=lambda item: (-item[1]["broken"], -item[1]["first"], item[0]))


def _run_floors(run: Json, floors: Json) -> Json:
    """What a run's scores must be read against: floors by task, and the highest over its tasks."""
    known = floors.get(run["judge"], {})
    tasks = {task: known.get(task, {}) for task in run["by"]["task"]}
    by_task = {task: {name: floor["mean"] for name, floor in found.items()} for task, found in tasks.items()}
    found = {name: [means[name] for means in by_task.values() if name in means] for name in FLOORS}
    missing = {name for names in run["floors_missing"].values() for name in names}
    return {
        "task_floors": by_task,
        "floors": {name: max(values) for name, values in found.items() if values},
        "missing": [name for name in FLOORS if name in missing],
    }


def _index(
    judged: Sequence[JudgedRun], report: Json, library: Library
) -> tuple[Json, Iterator[tuple[int, Json]]]:
    """The sample browser's data, and the evidence of the clips whose evidence fits into the page."""
    instances: dict[tuple[Path, str], int] = {}
    records: list[Json] = []
    entries: list[tuple[JudgedRun, Row, Json]] = []
    for number, run in enumerate(judged):
        for row in run.rows:
            place = ((run.sample_folder(row.sample) or run.path).resolve(), run.instances[row.sample]["key"])
            if place not in instances:
                instances[place] = len(records)
                records.append(_instance(run, row.sample, library))
            clip = run.clip(row)
            entry = {"run": number, "instance": instances[place], "clip": library.add(clip), **_verdict(row)}
            entry["meta"] = _clip_meta(clip)
            entries.append((run, row, entry))
    with_evidence = [i for i in _priority(entries) if _embed(entries[i], records, library)]
    index = {
        "runs": [{"name": r["name"], "judge": r["judge"], "expect": r["expect"]} for r in report["runs"]],
        "instances": records,
        "rows": [entry for _, _, entry in entries],
        "media": library.table(),
    }
    return index, ((i, _slim(entries[i][1].evidence())) for i in sorted(with_evidence))


def _priority(entries: Sequence[tuple[JudgedRun, Row, Json]]) -> list[int]:
    """Failing clips first, models before controls, runs taking turns."""

    def rank(i: int) -> tuple[int, bool, str, int]:
        run, row, _ = entries[i]
        return _STATUS_ORDER[row.status], run.expect is not None, row.sample, row.k

    return sorted(range(len(entries)), key=rank)


def _embed(entry: tuple[JudgedRun, Row, Json], records: Sequence[Json], library: Library) -> bool:
    """Take a clip with all that is shown beside it; says whether its evidence is in the page."""
    _, row, fields = entry
    record = records[fields["instance"]]
    if library.embed([fields["clip"], record["truth"], record["frame"]], row.length):
        return row.length > 0
    library.linked += 1
    return row.length > 0 and library.embed([], row.length)


def _instance(run: JudgedRun, sample: str, library: Library) -> Json:
    record = run.instances[sample]
    folder = run.sample_folder(sample)
    return {
        "id": sample,
        **{name: record[name] for name in _INSTANCE},
        "frame": library.add(folder / "first_frame.png" if folder else None),
        "truth": library.add(folder / "ground_truth.mp4" if folder else None),
    }


def _verdict(row: Row) -> Json:
    names = ("k", "status", "score", "checks", "metrics", "violations", "reason")
    return {name: getattr(row, name) for name in names}


def _clip_meta(clip: Path | None) -> Json:
    """What the generator says of its clip (text, seconds, cost), where a record lies beside it."""
    record = clip.with_suffix(".json") if clip else None
    if record is None or not record.is_file():
        return {}
    try:
        meta = json.loads(record.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{record} is not JSON ({error}): generate the clip again") from error
    if not isinstance(meta, dict):
        return {}
    return {name: value for name, value in meta.items() if isinstance(value, str | int | float)}


def _slim(evidence: Json) -> Json:
    """The part of a verdict's evidence that is drawn, to a tenth of a pixel."""
    slim = {name: evidence[name] for name in _EVIDENCE if evidence.get(name) is not None}
    slim["track"] = {
        name: [None if p is None else [round(float(p[0]), 1), round(float(p[1]), 1)] for p in points]
        for name, points in slim.get("track", {}).items()
    }
    return slim


def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _write(path: Path, parts: Any) -> None:
    """Write a file whole or not at all."""
    partial = path.with_suffix(path.suffix + ".partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.writelines(parts)
    partial.replace(path)


def _percent(share: float | None) -> str:
    """A share as text: one decimal, none at the ends."""
    return "–" if share is None else f"{100 * share:.1f}".removesuffix(".0") + " %"


def _number(value: float) -> str:
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _plain(value: object) -> str:
    """A header value as one line of text."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items())
    if isinstance(value, list):
        return " ".join(_plain(item) for item in value)
    return str(value)
