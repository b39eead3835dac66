"""Old spellings of keys and values: still read, and replaced by the new ones before a model sees them.

A class that is read from YAML declares what has changed:

    class Policy(StrictModel):
        old_spellings: ClassVar = OldSpellings(keys={"patience": "max_early_retries"})
        max_early_retries: int = 3

    class RetryAfter(StrictModel):
        old_spellings: ClassVar = OldSpellings(keys={"says": "advice"}, values={"advice": {"turn": "own-slot"}})
        advice: Literal["own-slot", "next-token"] = "own-slot"

``strict_yaml.loads`` then reads both spellings, and logs one warning for a file that has old ones. ``modernized`` does
the same for plain data, such as a profile in an older run record. The class need not be a model: any class that a
field's annotation names can declare old spellings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from locust_softphone.config.located_yaml import Path
from locust_softphone.config.model_types import types_inside

__all__ = ["Modernized", "OldSpellings", "modernized", "new_key"]


@dataclass(frozen=True)
class OldSpellings:
    """What has been renamed in one mapping of a file.

    Args:
        keys: new keys, by the old ones.
        values: for each key (in its new spelling), new values by the old ones.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass
class Modernized:
    """Data in the new spelling, and how it differs from the old.

    Attributes:
        data: the data, with new keys and values.
        paths: the new path of each part, by its path in the old data.
        changes: (old path, "old is now new") for each key or value that was replaced.
    """

    data: Any = None
    paths: dict[Path, Path] = field(default_factory=dict)
    changes: list[tuple[Path, str]] = field(default_factory=list)


def modernized(data: Any, model: type) -> Modernized:
    """``data`` with every old spelling that ``model`` and its parts declare replaced; ``data`` itself is unchanged."""
    result = Modernized()
    result.data = _renew(data, [model], (), (), result)
    return result


def new_key(key: str, kinds: Sequence[object]) -> str | None:
    """The key that replaces ``key`` in a mapping of one of these types; None if ``key`` is not an old spelling."""
    return next((new for kind in kinds if (new := _declared(kind).keys.get(key))), None)


def _renew(value: Any, kinds: Sequence[object], old: Path, new: Path, result: Modernized) -> Any:
    result.paths[old] = new
    if isinstance(value, dict):
        return _renew_mapping(value, kinds, old, new, result)
    if isinstance(value, list):
        inner = [each for kind in kinds for each in types_inside(kind, 0)]
        return [_renew(item, inner, (*old, i), (*new, i), result) for i, item in enumerate(value)]
    return value


def _renew_mapping(
    mapping: dict[str, Any], kinds: Sequence[object], old: Path, new: Path, result: Modernized
) -> dict[str, Any]:
    renewed: dict[str, Any] = {}
    for old_key, old_value in mapping.items():
        key = new_key(old_key, kinds) or old_key
        if key in mapping:
            key = old_key  # with both spellings there, the old one is refused as an unknown key
        value = _new_value(key, old_value, kinds)
        if value != old_value:
            result.changes.append(((*old, old_key), f"{old_key}: {old_value} is now {key}: {value}"))
        elif key != old_key:
            result.changes.append(((*old, old_key), f"{old_key} is now {key}"))
        inner = [each for kind in kinds for each in types_inside(kind, key)]
        renewed[key] = _renew(value, inner, (*old, old_key), (*new, key), result)
    return renewed


def _new_value(key: str, value: Any, kinds: Sequence[object]) -> Any:
    """What replaces ``value``, or ``value`` itself if it is not an old spelling."""
    if not isinstance(value, str):
        return value
    return next((found for kind in kinds if (found := _declared(kind).values.get(key, {}).get(value))), value)


def _declared(kind: object) -> OldSpellings:
    declared = getattr(kind, "old_spellings", None)
    return declared if isinstance(declared, OldSpellings) else OldSpellings()
