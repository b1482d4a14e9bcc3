"""Benchmarks that are judged by models: RULER-Bench, TiViBench and VIPER, as their files have them.

Their questions come along in the instance (`state["questions"]`), so that a judge needs nothing else.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, field_validator

from genreason import cards, seeds
from genreason.cards import Strict
from genreason.formats import dataset
from genreason.formats.dataset import DataSet
from genreason.formats.intake import FPS, Intake, Sample
from genreason.types import Instance, Json, UserError

_BLANK = (512, 512)  # of the grey picture that stands in where a sample has none; no judge is shown it
_KINDS = {
    "Instruction Following": "instruction",
    "Visual Consistency": "consistency",
    "Visual Fidelity": "fidelity",
    "Rule Coherence": "process",
}
_TIVI_NAME = re.compile(r"(SS|SV|SL|AT)_(easy|medium|hard)_(.+)_(\d+)")


class Ruler(Strict):
    """A line of RULER-Bench's data.jsonl."""

    index: int
    prompt: str
    task_name: str
    category: str
    checklist: list[dict[str, str]] = Field(min_length=1)
    implicit_explanation: str | None = None
    initial_scenario: str | None = None
    input_image_path: str | None = None
    gt_image_path: str | None = None
    input_video_path: str | None = None

    @field_validator("checklist", mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        """The hub's copy holds the list as text."""
        if not isinstance(value, str):
            return value
        try:
            return ast.literal_eval(value)
        except (ValueError, SyntaxError):
            raise ValueError("it is no list of {metric: question}") from None

    @field_validator("checklist")
    @classmethod
    def _metrics(cls, value: list[dict[str, str]]) -> list[dict[str, str]]:
        for entry in value:
            for name in entry:
                if name not in _KINDS:
                    raise ValueError(f"there is no metric {name!r}: there is {', '.join(_KINDS)}")
        return value


class TiviQuestion(Strict):
    """A question of TiViBench with the answer that must match."""

    question: str
    answer: str = Field(pattern="^(yes|no)$")


class Tivi(Strict):
    """An entry of TiViBench's {DIM}_prompt.json (whose published fields are not known)."""

    name: str
    prompt: str
    questions: list[TiviQuestion] = []


class Viper(Strict):
    """An item of VIPER."""

    id: str | int
    domain: str
    task_type: str
    prompt: str
    image: str | None = None
    reference_frames: list[str] = []
    reference_texts: list[str] = []
    protocol: str | list[str] = []


def read_ruler(source: Path, out: Path) -> DataSet:
    """Import data.jsonl of RULER-Bench, with the pictures beside it.

    Raises:
        UserError: there is none, or a line has an unknown field; names line and field.
    """
    file = source / "data.jsonl" if source.is_dir() else source
    found = Intake(out=out, form="ruler")
    for number, (where, record) in enumerate(_lines(file)):
        item = cards.parse(Ruler, record, where)
        if item.input_video_path:
            found.skip(f"{where}: it begins with a video, which cannot be given to a model here")
            continue
        questions = [
            {
                "text": text,
                "kind": _KINDS[metric],
                "metric": metric,
                "scale": "good/medium/poor",
                "expect": None,
            }
            for entry in item.checklist
            for metric, text in entry.items()
        ]
        expected = _picture(file.parent, item.gt_image_path)
        state = {
            "questions": questions, "category": item.category, "type": item.task_name,
            "implicit_explanation": item.implicit_explanation, "gt_image": expected is not None,
        }  # fmt: skip
        first = _picture(file.parent, item.input_image_path)
        place = {"place": [item.task_name], "stem": str(item.index)}
        found.add(_sample("ruler", number, item.prompt, state, first, expected, place, out))
    return found.finish(source)


def read_tivibench(source: Path, out: Path) -> DataSet:
    """Import TiViBench: eval_cache/{DIM}_prompt.json, images/{DIM}/ and eval_cache/{DIM}/{name}/end.png.

    Raises:
        UserError: there is none, or an entry has an unknown field; names file and field.
    """
    found = Intake(out=out, form="tivibench")
    files = sorted((source / "eval_cache").glob("*_prompt.json"))
    if not files:
        raise UserError(f"{source}: no TiViBench: there is no eval_cache/SS_prompt.json, SV, SL or AT")
    number = 0
    for file in files:
        dimension = file.name.removesuffix("_prompt.json")
        for where, record in _entries(file):
            item = cards.parse(Tivi, record, where)
            name = item.name if item.name.startswith(f"{dimension}_") else f"{dimension}_{item.name}"
            match = _TIVI_NAME.fullmatch(name)
            if match is None:
                found.skip(f"{where}: {name!r} is not named DIM_level_type_NNN")
                continue
            questions = [
                {"text": each.question, "expect": each.answer, "kind": "goal"} for each in item.questions
            ]
            state: Json = {"dimension": match[1], "level": match[2], "type": match[3]}
            state |= {"questions": questions} if questions else {}
            short = name.removeprefix(f"{dimension}_")
            first = _picture(source, f"images/{dimension}/{short}.png")
            end = _picture(source, f"eval_cache/{dimension}/{short}/end.png")
            place = {"place": [name], "stem": name}
            found.add(_sample("tivibench", number, item.prompt, state, first, end, place, out))
            number += 1
    return found.finish(source)


def read_viper(source: Path, out: Path) -> DataSet:
    """Import VIPER's items (JSON or JSON Lines), with the pictures beside the file.

    Raises:
        UserError: there is no such file, or an item has an unknown field; names line and field.
    """
    found = Intake(out=out, form="viper")
    records = _lines(source) if source.suffix == ".jsonl" else _entries(source)
    for number, (where, record) in enumerate(records):
        item = cards.parse(Viper, record, where)
        constraints = [item.protocol] if isinstance(item.protocol, str) else item.protocol
        state = {
            "domain": item.domain, "type": item.task_type, "constraints": constraints,
            "reference_texts": item.reference_texts,
        }  # fmt: skip
        last = _picture(source.parent, item.reference_frames[-1] if item.reference_frames else None)
        place = {"place": [item.domain], "stem": str(item.id)}
        first = _picture(source.parent, item.image)
        found.add(_sample("viper", number, item.prompt, state, first, last, place, out))
    return found.finish(source)


READERS: dict[str, Callable[[Path, Path], DataSet]] = {
    "ruler": read_ruler,
    "tivibench": read_tivibench,
    "viper": read_viper,
}


def _sample(
    form: str, number: int, prompt: str, state: Json, first: Path | None, last: Path | None, place: Json,
    out: Path,
) -> Sample:  # fmt: skip
    blank = first is None
    if first is None:
        first = out / ".blank.png"
        if not first.is_file():
            dataset.write_png(first, np.full((_BLANK[1], _BLANK[0], 3), 127, np.uint8))
    picture = dataset.read_picture(first)
    instance = Instance(
        key=seeds.key(form, prompt, state, place, picture.tobytes().hex()[:64]),
        task=form, version=1, level=str(state.get("level", "default")), split="any", seed=0, index=number,
        style=form, state=state, goal={}, prompt=prompt, fingerprint=seeds.key(form, prompt, place),
        size=(picture.shape[1], picture.shape[0]), fps=FPS,
        scene={"foreign": True, "puzzle": None, "blank": blank}, first_frame=first,
    )  # fmt: skip
    source = {"format": form, **place}
    return Sample(instance=instance, first_frame=first, source=source, final_frame=last)


def _picture(root: Path, path: str | None) -> Path | None:
    found = root / path if path else None
    return found if found is not None and found.is_file() else None


def _lines(file: Path) -> Iterator[tuple[str, Json]]:
    for number, line in enumerate(_text(file).splitlines(), 1):
        if line.strip():
            where = f"{file} line {number}"
            yield where, _json(line, where)


def _entries(file: Path) -> Iterator[tuple[str, Json]]:
    """Entries of a JSON file: a list of them, or {name: entry or prompt}."""
    record = _json(_text(file), str(file))
    if isinstance(record, dict):
        record = [
            {"name": name, **(entry if isinstance(entry, dict) else {"prompt": entry})}
            for name, entry in record.items()
        ]
    if not isinstance(record, list):
        raise UserError(f"{file}: it is neither a list nor a mapping of names")
    for number, entry in enumerate(record, 1):
        yield f"{file} entry {number}", entry


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read ({error})") from None


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UserError(f"{where}: not JSON ({error})") from None
