"""Changes to a profile from the command line: ``--set`` changes a key, ``--sweep`` makes one profile for each value.

    --set softphone.retry.jitter=none      burst-500-jitter-none
    --sweep ramp=5s,10s                    burst-500-ramp-5s, burst-500-ramp-10s
    --sweep "ramp=5s,{rate: 50/s}"         values are YAML

Each profile is named by what differs. Several sweeps make one profile for each combination of their values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, cast

from locust_softphone.config import strict_yaml
from locust_softphone.config.located_yaml import LocatedYAMLError, parse
from locust_softphone.config.model_types import types_at
from locust_softphone.config.profile import Profile
from locust_softphone.config.profile_files import first_comment, profile_text
from locust_softphone.errors import InputError
from locust_softphone.text import one_line, quoted

__all__ = ["Override", "load_overridden", "parse_set", "parse_sweep"]

_LONGEST_NAME = 64


class Override(NamedTuple):
    """One key of a profile with its new value.

    Args:
        path: the key, such as ``("softphone", "retry", "jitter")``.
        value: as YAML has it.
        text: the value, for a name.
        written: the value as it was written, where that is known: a key whose value must be text takes this, so that a
            number to call keeps its plus sign and its zeros.
    """

    path: tuple[str, ...]
    value: Any
    text: str
    written: str | None = None

    @property
    def label(self) -> str:
        """Its part of a profile's name."""
        return re.sub(r"[^A-Za-z0-9._]+", "-", f"{self.path[-1]}-{self.text}").strip("-")


def parse_set(text: str) -> Override:
    """Read ``key=value``.

    Raises:
        ValueError: it is something else.
    """
    path, written = _split(text, "users=200")
    return Override(path, _yaml(written, text), written.strip(), written.strip())


def parse_sweep(text: str) -> tuple[Override, ...]:
    """Read ``key=value,value,…``.

    Raises:
        ValueError: it is something else.
    """
    path, written = _split(text, "ramp=5s,10s")
    values = _yaml(f"[{written}]", text)
    if not values:
        raise ValueError(f"{quoted(text)} has no values, write it as ramp=5s,10s")
    return tuple(Override(path, value, value if isinstance(value, str) else json.dumps(value)) for value in values)


def load_overridden(
    name_or_path: str, folders: Iterable[Path], sets: Sequence[Override], sweeps: Sequence[tuple[Override, ...]]
) -> list[Profile]:
    """The profile with the overrides, one for each combination of the swept values.

    Raises:
        InputError: as ``load_profile``, or the profile does not accept an override.
    """
    name, text = profile_text(name_or_path, folders)
    profile = strict_yaml.loads(text, Profile, name=name)
    about = profile.about or first_comment(text)
    if not sets and not sweeps:
        return [profile.model_copy(update={"about": about})]
    return [_overridden(text, about, (*sets, *chosen)) for chosen in product(*sweeps)]


def _overridden(text: str, about: str, overrides: Sequence[Override]) -> Profile:
    tree = parse(text)
    assert tree is not None
    data: dict[str, Any] = deepcopy(cast(dict[str, Any], tree.data))
    for override in overrides:
        inner = data
        for part in override.path[:-1]:
            below = inner.setdefault(part, {})
            if not isinstance(below, dict):
                below = inner[part] = {}
            inner = below
        inner[override.path[-1]] = _value(override)
    if ("name",) not in [override.path for override in overrides]:
        data["name"] = "-".join([str(data["name"]), *(override.label for override in overrides)])[:_LONGEST_NAME]
    try:
        profile = strict_yaml.loads(json.dumps(data), Profile, name="--set")
    except InputError as error:
        raise InputError(*(re.sub(r"^--set:\d+:", "--set", problem) for problem in error.problems)) from None
    return profile.model_copy(update={"about": profile.about or about})


def _value(override: Override) -> Any:
    """The value as its key takes it."""
    if override.written is None or not isinstance(override.value, int | float):
        return override.value
    kinds = types_at(Profile, override.path)
    takes_text_only = str in kinds and not any(number in kinds for number in (bool, int, float))
    return override.written if takes_text_only else override.value


def _split(text: str, example: str) -> tuple[tuple[str, ...], str]:
    key, equals, value = text.partition("=")
    path = tuple(key.strip().split("."))
    if not equals or not all(path):
        raise ValueError(f"{quoted(text)} is not a key with a value, write it as {example}")
    return path, value


def _yaml(written: str, text: str) -> Any:
    try:
        tree = parse(f"value: {written}")
    except LocatedYAMLError as error:
        raise ValueError(f"{quoted(text)}: not accepted as YAML: {one_line(error.problem)}") from None
    assert tree is not None
    return cast(dict[str, Any], tree.data)["value"]
