"""Records read strictly: an unknown key or a wrong type is an error of one line that names the mend."""

from __future__ import annotations

import difflib
from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from genreason.types import Json, UserError

B = TypeVar("B", bound=BaseModel)


class Strict(BaseModel):
    """Base of all that is read from a card: unknown keys and wrong types are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a key may stand only once."""


def _once(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[Hashable] = set()
    for key_node, _ in node.value:
        key: Hashable = loader.construct_object(key_node)
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} stands twice", key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _once)


def mapping(path: Path) -> Json:
    """The mapping in a YAML file.

    Raises:
        UserError: it cannot be read, is no valid YAML, or holds something else; names file and line.
    """
    try:
        record = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 (a safe loader)
    except FileNotFoundError:
        raise UserError(f"there is no card {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise UserError(f"{where}: no valid YAML: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(record, dict):
        raise UserError(f"{path}: a card is a mapping of keys to values")
    return record


def parse(model: type[B], record: object, where: str) -> B:
    """Validate a record; `where` names its origin in errors.

    Raises:
        UserError: one line with the first thing that is wrong.
    """
    try:
        return model.model_validate(record)
    except ValidationError as error:
        # An unknown key first: it is most often the misspelt form of one that is missing.
        first = min(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
        raise UserError(f"{where}: {_explain(model, first['loc'], first['type'], first['msg'])}") from None


def _explain(model: type[BaseModel], loc: tuple[int | str, ...], kind: str, message: str) -> str:
    name = ".".join(str(part) for part in loc)
    if kind == "missing":
        return f"lacks the key {name!r}"
    if kind == "extra_forbidden":
        valid = sorted(_model_at(model, loc[:-1]).model_fields)
        near = difflib.get_close_matches(str(loc[-1]), valid, n=1, cutoff=0.4)
        mend = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(valid)}"
        return f"unknown key {name!r}: {mend}"
    text = message.removeprefix("Value error, ")
    return f"{name}: {text[:1].lower()}{text[1:]}" if name else text


def _model_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel]:
    for part in loc:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        if field is not None:
            inner = [t for t in (field.annotation, *get_args(field.annotation)) if isinstance(t, type)]
            model = next((t for t in inner if issubclass(t, BaseModel)), model)
    return model
