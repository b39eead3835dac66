"""docs/profile.md and docs/policy.md: every key of a file with its type, default and meaning, from its JSON Schema.

An object of the schema becomes a section with a table; a key that holds objects links to their section::

    softphone      [softphone](#softphone)
    softphone.retry.jitter    `none`, `full` or `equal`
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from locust_softphone.config.behaviour import resolve
from locust_softphone.config.profile import NAME
from locust_softphone.config.units import DURATION, RATE

__all__ = ["POLICY_PAGE", "PROFILE_PAGE", "policy_page", "profile_page"]

_DOCS = Path(__file__).parents[3] / "docs"
PROFILE_PAGE, POLICY_PAGE = _DOCS / "profile.md", _DOCS / "policy.md"
_EXAMPLES = Path(__file__).parents[1] / "commands" / "starter"

_FEW = 3
"""So many keys of an object are named in the table of its parent."""

_NOTE = """\
This page is generated from the model (`python -m locust_softphone.schemas.generate`). `locust-softphone schema {name}`
prints the same as a JSON Schema. `locust-softphone init` writes this example, and beside it the schema with which an
editor completes its keys:

```yaml
{example}```

A duration is `250ms`, `60s`, `2m` or `1m30s`; a rate is `50/s`, `300/min` or `10/h`. A number without its unit
is refused. An unknown key is refused, with its line and the key that was probably meant.
"""

Schema = Mapping[str, Any]


def profile_page(schema: Schema) -> str:
    """docs/profile.md as Markdown."""
    head = "# Profile\n\nA profile says how many softphones start when, what they do, and what must hold.\n"
    return _page(head, schema, "profile", {"softphone": resolve({})})


def policy_page(schema: Schema) -> str:
    """docs/policy.md as Markdown."""
    head = "# Policy\n\nA policy says what the simulated edge allows ([docs/simulated-edge.md](simulated-edge.md)).\n"
    return _page(head, schema, "policy", {})


def _page(head: str, schema: Schema, name: str, defaults: Any) -> str:
    example = (_EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    places: dict[int, tuple[Schema, list[str], Any]] = {}  # an object that several keys can hold gets one section
    for title, part, below in _parts(f"The keys of a {name}", schema, schema["$defs"], "", defaults):
        places.setdefault(id(part), (part, [], below))[1].append(title)
    sections = "".join(
        _section(_title(titles, part), part, schema["$defs"], below) for part, titles, below in places.values()
    )
    return f"{head}\n{_NOTE.format(name=name, example=example)}{sections}"


def _title(titles: list[str], part: Schema) -> str:
    """The heading of an object's section: where it can be, or what it is if there are too many places."""
    places = list(dict.fromkeys(titles))
    if len(places) <= _FEW:
        return ", ".join(places)
    kind = part["properties"].get("kind", {}).get("const")
    return f"limit of the kind {kind}" if kind else f"{places[0].rpartition('.')[2]} of a {_parent(places[0])}"


def _parent(place: str) -> str:
    """What an object with many places is a part of."""
    inner = place.split(".")[-2]
    return inner if "with name" not in inner else "limit"


def _parts(
    title: str, part: Schema, definitions: Schema, path: str, defaults: Any
) -> Iterator[tuple[str, Schema, Any]]:
    """Each object with its title; and the defaults that its schema does not have."""
    below = defaults if isinstance(defaults, dict) else {}
    yield title, part, below
    for key, value in part["properties"].items():
        for suffix, inner in _objects(value, definitions):
            name = f"{path}{key}{suffix}"
            yield from _parts(name, inner, definitions, f"{name}.", below.get(key))


def _section(title: str, part: Schema, definitions: Schema, below: Mapping[str, Any]) -> str:
    required = part.get("required", ())
    rows = (
        f"| `{key}` | {_type(value, definitions)} | {_default(value, required=key in required, below=below.get(key))} "
        f"| {_about(value)} |\n"
        for key, value in part["properties"].items()
    )
    about = f"{_one_line(part['description'])}\n\n" if "description" in part else ""
    head = f"\n## {title}\n\n{about}{_example(part, below)}"
    return f"{head}| key | type | default | meaning |\n|---|---|---|---|\n{''.join(rows)}"


def _example(part: Schema, below: Mapping[str, Any]) -> str:
    """An object with few keys, as it is written."""
    values = {key: _example_of(value, below.get(key)) for key, value in part["properties"].items()}
    return f"Example: `{_json(values)}`\n\n" if len(values) <= _FEW and None not in values.values() else ""


def _example_of(value: Schema, below: Any) -> Any:
    candidates = (
        value.get("default"),
        below,
        *value.get("examples", ())[1:2],
        *value.get("enum", ()),
        value.get("minimum"),
    )
    return next((each for each in candidates if each not in (None, "", [])), None)


def _objects(value: Schema, definitions: Schema) -> Iterator[tuple[str, Schema]]:
    """The objects that a key can hold, each with what follows the key in its section's title."""
    value = _resolved(value, definitions)
    if "properties" in value:
        yield "", value
    if "items" in value:
        yield from ((f"[]{suffix}", each) for suffix, each in _objects(value["items"], definitions))
    if kind := _kind(value):
        for suffix, each in (found for member in value[kind] for found in _objects(member, definitions)):
            is_one_of_several = not suffix and {"type": "null"} not in value[kind]
            yield (f" with {next(iter(each['properties']))}" if is_one_of_several else suffix), each


def _kind(value: Schema) -> str | None:
    """Under which word a union has its members; None if it is not a union."""
    return next((kind for kind in ("anyOf", "oneOf") if kind in value), None)


def _resolved(value: Schema, definitions: Schema) -> Schema:
    reference = value.get("$ref")
    return definitions[reference.rpartition("/")[2]] if reference else value


def _type(value: Schema, definitions: Schema) -> str:
    """What a key can hold, in words."""
    resolved = _resolved(value, definitions)
    if _is_choice_of_kinds(resolved, definitions):
        return "mapping with `kind`, see below"
    if union := _kind(resolved):
        return " or ".join(dict.fromkeys(_type(each, definitions) for each in resolved[union]))
    if "enum" in resolved or "const" in resolved:
        *others, last = [f"`{_json(each)}`" for each in resolved.get("enum", [resolved.get("const")])]
        return f"{', '.join(others)} or {last}" if others else last
    kind = resolved.get("type")
    if kind == "array":
        return f"list of {_type(resolved['items'], definitions)}"
    if "properties" in resolved:
        keys = ", ".join(f"`{key}`" for key in resolved["properties"])
        return f"mapping with {keys}" if len(resolved["properties"]) <= _FEW else "mapping, see below"
    if kind in ("integer", "number"):
        return f"{'whole number' if kind == 'integer' else 'number'}{_bounds(resolved)}"
    if kind == "string":
        patterns = {f"^{DURATION}$": "duration", f"^{RATE}$": "rate", f"^{NAME}$": "name"}
        examples = [f"`{each}`" for each in resolved.get("examples", ())]
        fallback = f"text such as {' or '.join(examples[:2])}" if examples else "text"
        return patterns.get(resolved.get("pattern", ""), fallback)
    return {"boolean": "`true` or `false`", "null": "nothing", "object": "mapping"}.get(str(kind), "anything")


def _is_choice_of_kinds(value: Schema, definitions: Schema) -> bool:
    """Whether the value is one of several objects that their ``kind`` tells apart."""
    members = [_resolved(each, definitions) for each in value.get("oneOf", ())]
    return bool(members) and all("kind" in each.get("properties", {}) for each in members)


def _bounds(number: Schema) -> str:
    low, high = number.get("minimum", number.get("exclusiveMinimum")), number.get("maximum")
    if low is not None and high is not None:
        return f" from {low:,} to {high:,}"
    return f" from {low:,}" if low is not None else f" up to {high:,}" if high is not None else ""


def _default(value: Schema, *, required: bool, below: Any) -> str:
    if required:
        return "required"
    default = value.get("default", below)
    if default is None or default == "":
        return "none"
    if isinstance(default, dict) and len(json.dumps(default)) > 60:
        return "see below"
    return f"`{_json(default)}`"


def _json(value: Any) -> str:
    """A value as in YAML's flow style."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_json(each)}' for key, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_json, value))}]"
    return value if isinstance(value, str) else json.dumps(value)


def _about(value: Schema) -> str:
    text = _one_line(value.get("description", "")).replace("|", "\\|")
    if text.partition(" ")[0] not in value.get("enum", ()):
        text = f"{text[:1].upper()}{text[1:]}"
    return f"{text}{'' if text.endswith('.') or not text else '.'}"


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("``", "`")
