"""The types at a path of a model, read from its annotations.

A path leads through fields (by their key in a file), list items and dict values; a union has several types.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel

__all__ = ["fields_of_type", "types_at", "types_inside"]


def types_at(model: object, path: Iterable[str | int]) -> list[object]:
    """The types at a path of a model."""
    kinds = [model]
    for part in path:
        kinds = [inner for kind in kinds for inner in types_inside(kind, part)]
    return kinds


def types_inside(kind: object, part: str | int) -> list[object]:
    """The types of a list's items, a dict's values or one of a model's fields; none where the types do not say."""
    if get_origin(kind) in (dict, list, tuple):
        return _members(get_args(kind)[1 if get_origin(kind) is dict else 0])
    return _members(fields_of_type(kind).get(str(part)))


def fields_of_type(kind: object) -> dict[str, object]:
    """The types of a model's fields, by the key of each in a file; nothing for anything but a model."""
    if get_origin(kind) or not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return {}
    return {field.alias or name: field.annotation for name, field in kind.model_fields.items()}


def _members(annotation: object) -> list[object]:
    """The members of a union, at any depth, without what ``Annotated`` has added."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _members(arguments[0])
    if get_origin(annotation) in (Union, UnionType):
        return [member for argument in arguments for member in _members(argument)]
    return [annotation]
