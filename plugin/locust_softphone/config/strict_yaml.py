"""Reads a YAML file as a frozen model, or reports everything that is wrong with it: one line for each problem.

    burst.yaml:3: ramp: "60" is not a duration, write 60s
    burst.yaml:7: softphone.retry.jiter: unknown key, did you mean jitter?

The models decide what is right; this module finds the line and the wording. A key of a file is the alias of a field.
The field's own name, with its unit (``hold_s`` for ``hold``), is only used in Python. A union needs a discriminator
(``pydantic.Discriminator``), so that an error is only about the member that was meant.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from functools import cache
from typing import TypeVar, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from locust_softphone.config.located_yaml import LocatedYAML, LocatedYAMLError, Path, parse
from locust_softphone.config.model_types import fields_of_type, types_at, types_inside
from locust_softphone.config.old_spellings import modernized, new_key
from locust_softphone.errors import InputError
from locust_softphone.text import did_you_mean, nearest, one_line, quoted

__all__ = ["StrictModel", "load", "loads", "read"]

LARGEST_BYTES = 256 * 1024


class StrictModel(BaseModel):
    """A frozen value that refuses unknown keys and converts nothing: ``"5"`` and ``true`` are not numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Model = TypeVar("Model", bound=StrictModel)


def load(path: str | os.PathLike[str], model: type[Model]) -> Model:
    """Read the file at ``path`` as a ``model``.

    Raises:
        InputError: every problem of the file, in the order of its lines.
    """
    return loads(read(path), model, name=os.fspath(path))


def read(path: str | os.PathLike[str]) -> str:
    """Read the text of the file at ``path``.

    Raises:
        InputError: it cannot be read, is too large, or is not UTF-8.
    """
    name = one_line(os.fspath(path))
    try:
        mode = os.stat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # reading a pipe waits for its writer, perhaps for ever
            raise InputError(f"{name}: is a pipe or a device, give a file")
        with open(path, "rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as e:  # ValueError: a NUL in the path
        reason = e.strerror if isinstance(e, OSError) and e.strerror else str(e)
        raise InputError(f"{name}: {reason[:1].lower()}{reason[1:]}") from e
    if len(content) > LARGEST_BYTES:
        raise InputError(f"{name}: larger than {LARGEST_BYTES // 1024} KB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise InputError(f"{name}:{content.count(10, 0, e.start) + 1}: not UTF-8 text") from e


def loads(text: str, model: type[Model], *, name: str = "<text>") -> Model:
    """Read ``text`` as a ``model``; ``name`` is the file's name in messages.

    Raises:
        InputError: every problem of the text, in the order of its lines.
    """
    name = one_line(name)
    try:
        tree = parse(text)
    except LocatedYAMLError as e:
        raise InputError(f"{name}:{e.line}: not accepted as YAML: {one_line(e.problem)}") from e
    if tree is None:
        raise InputError(f"{name}:1: is empty")
    if not isinstance(tree.data, dict):
        raise InputError(f"{name}:{tree.lines[()]}: must be a mapping (key: value), not {quoted(tree.data)}")
    _modernize(tree, model, name)
    value, problems = _validate(tree, model, os.path.dirname(name))
    if value is None or problems:
        raise InputError(*(f"{name}:{line}: {problem}" for line, problem in sorted(problems)))
    return value


def _validate(tree: LocatedYAML, model: type[Model], folder: str) -> tuple[Model | None, list[tuple[int, str]]]:
    """The value, if it is valid, and the problems with their lines, one for each path.

    ``folder`` is where files are that the text names.
    """
    found: dict[Path, tuple[int, str]] = {path: (line, problem) for line, path, problem in tree.problems}
    value = None
    try:
        value = model.model_validate(tree.data, context={"folder": folder})
    except ValidationError as e:
        for error in e.errors(include_url=False):
            path = _path_in_file(error, tree)
            line = tree.lines[path[:-1] if error["type"] == "missing" else path]
            unknown = error["type"] == "extra_forbidden"
            problem = _unknown_key(path, model) if unknown else _wording(error, secret=_is_secret(path))
            found.setdefault(path, (line, problem))
        _drop_missing_twins(found, e.errors(include_url=False), tree)
    return value, [(line, _prefixed(path, problem)) for path, (line, problem) in found.items()]


def _path_in_file(error: ErrorDetails, tree: LocatedYAML) -> Path:
    """Where the error is, without the tags of unions that pydantic puts into its path."""
    path: Path = ()
    for part in error["loc"]:
        path = (*path, part) if (*path, part) in tree.lines else path
    return (*path, error["loc"][-1]) if error["type"] == "missing" else path


def _drop_missing_twins(found: dict[Path, tuple[int, str]], errors: list[ErrorDetails], tree: LocatedYAML) -> None:
    """Drop "x is missing" where a key beside it is x with a typo, or the only key: one mistake is one line."""
    unknown = [_path_in_file(each, tree) for each in errors if each["type"] == "extra_forbidden"]
    for path in [_path_in_file(each, tree) for each in errors if each["type"] == "missing"]:
        beside = [each for each in unknown if each[:-1] == path[:-1]]
        keys = [each for each in tree.lines if each[:-1] == path[:-1] and each != ()]
        if any(nearest(each[-1], [str(path[-1])]) for each in beside) or (beside and len(keys) == 1):
            found.pop(path, None)


def _is_secret(path: Path) -> bool:
    """Whether the value must not be repeated in a message."""
    return any(word in str(path[-1:]) for word in ("secret", "access_token"))


def _prefixed(path: Path, problem: str) -> str:
    """``problem`` after its path, which is written as ``ramp.stages[1].over``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in path)
    return f"{''.join(parts).lstrip('.')}: {problem}" if path else problem


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]{1,40}", key) else quoted(key)


def _unknown_key(path: Path, model: type[StrictModel]) -> str:
    """What is wrong with a key that its model does not have."""
    kinds = types_at(model, path[:-1])
    lists = [kind for kind in kinds if get_origin(kind) is tuple]  # a mapping can stand for a list of one
    kinds += [item for kind in lists for item in types_inside(kind, 0)]
    known = [key for kind in kinds for key in fields_of_type(kind)]
    if path[-1] in known:
        return "does not belong here"  # but to another member of a union
    new = new_key(str(path[-1]), kinds)
    return (
        f"is the old spelling of {new}, which is there too" if new else f"unknown key, {did_you_mean(path[-1], known)}"
    )


def _wording(error: ErrorDetails, *, secret: bool) -> str:
    """Pydantic's error in the words of YAML."""
    value, context = "this" if secret else quoted(error["input"]), error.get("ctx", {})
    if error["type"] == "literal_error":
        known = re.findall("'([^']+)'", context["expected"])
        return f"{value} is not one of the choices, {did_you_mean(error['input'], known)}"
    if error["type"] == "union_tag_invalid":
        known = re.findall("'([^']+)'", context["expected_tags"])
        return f"{quoted(context['tag'])} is not one of the choices, {did_you_mean(context['tag'], known)}"
    if error["type"].startswith("tuple_") and isinstance(error["input"], str):
        return f"must be a list, write [{value}]"
    if error["type"] == "string_type" and isinstance(error["input"], int | float) and not secret:
        return f"must be text, not {value}, put it in quotes"
    for kind, words in WORDS.items():
        if error["type"].startswith(kind):
            return one_line(words.format(value=value, **context))
    message = error["msg"].removeprefix("Input ")
    return one_line(f"{message[:1].lower()}{message[1:]}, not {value}")


WORDS = {
    "missing": "is missing",
    "value_error": "{error}",
    "greater_than_equal": "must be at least {ge:.15g}",
    "greater_than": "must be above {gt:.15g}",
    "less_than_equal": "must be at most {le:.15g}",
    "less_than": "must be below {lt:.15g}",
    "int_": "must be a whole number, not {value}",
    "float_": "must be a number, not {value}",
    "bool_": "must be true or false, not {value}",
    "string_type": "must be text, not {value}",
    "tuple_": "must be a list, not {value}",
    "dict_": "must be a mapping (key: value), not {value}",
    "model_": "must be a mapping (key: value), not {value}",
}


def _modernize(tree: LocatedYAML, model: type[StrictModel], name: str) -> None:
    """Replace old spellings in ``tree``, and log one warning that names them all."""
    result = modernized(tree.data, model)
    if result.changes:
        changes = [f"{tree.lines[path]}: {change}" for path, change in result.changes]
        _warn_once(one_line(f"{name}:{'; line '.join(changes)} (the old spelling is still read)"))
        tree.data = result.data
        tree.lines = {result.paths[path]: line for path, line in tree.lines.items()}


@cache  # a file can be read many times in one process, its warning is printed once
def _warn_once(warning: str) -> None:
    logging.getLogger(__name__).warning(warning)
