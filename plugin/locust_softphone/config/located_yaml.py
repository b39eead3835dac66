"""Reads YAML text as plain data, with the line number of each part.

    hold: 60s               data   {"hold": "60s", "expect": ["a", "b"]}
    expect:                 lines  {(): 1, ("hold",): 1, ("expect",): 2, ("expect", 0): 3, ("expect", 1): 4}
      - a
      - b

Scalars follow the core schema of YAML 1.2 (10.3), so ``no`` and ``1:30`` are text, not False and 90. Tags, anchors and
aliases are refused, so a file can contain no objects, no cycles and no alias bombs.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import yaml

__all__ = ["LocatedYAML", "LocatedYAMLError", "Path", "parse"]

Path = tuple[str | int, ...]

DEEPEST = 16
TAG = "tag:yaml.org,2002:"

# The number of digits is limited, so that int() is fast and float() is finite. A longer number is read as text.
SCALARS: dict[str, tuple[re.Pattern[str], Callable[[str], object]]] = {
    "null": (re.compile(r"(~|null|Null|NULL|)$"), lambda text: None),
    "bool": (re.compile(r"(true|True|TRUE|false|False|FALSE)$"), lambda text: text.lower() == "true"),
    "int": (re.compile(r"[-+]?(0|[1-9][0-9]{0,17})$"), int),
    "float": (re.compile(r"[-+]?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][-+]?[0-9]{1,2})?$"), float),
}
"""How a plain scalar is recognised and converted; everything else is text."""


class LocatedYAMLError(ValueError):
    """The text is not YAML, or has a part of YAML that is not accepted here.

    Args:
        line: where, counted from 1.
        problem: what is wrong.
    """

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(line, problem)
        self.line = line
        self.problem = problem


class LocatedYAML:
    """The data of one document, the line of each part, and the unusable keys.

    Attributes:
        data: dicts, lists, strings, numbers, booleans and None.
        lines: the line of each key or list item, by its path.
        problems: (line, path, what is wrong) of each key that is repeated or not text.
    """

    def __init__(self, root: yaml.Node) -> None:
        self.lines: dict[Path, int] = {(): root.start_mark.line + 1}
        self.problems: list[tuple[int, Path, str]] = []
        self.data = self._plain(root, ())

    def _plain(self, node: yaml.Node, path: Path) -> object:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            items: list[object] = []
            for i, item in enumerate(node.value):
                at = (*path, i)
                self.lines[at] = item.start_mark.line + 1
                items.append(self._plain(item, at))
            return items
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        data: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = _scalar(key_node)
            at = (*path, str(key))
            if not isinstance(key, str):
                self.problems.append((line, at, "a key must be text, put it in quotes"))
            elif key in data:
                self.problems.append((line, at, f"repeats the key of line {self.lines[at]}"))
            else:
                self.lines[at] = line
                data[key] = self._plain(value_node, at)
        return data


def parse(text: str) -> LocatedYAML | None:
    """Read the one document in ``text``; None if it only has comments.

    Raises:
        LocatedYAMLError: a syntax error, or a part of YAML that is not accepted here.
    """
    try:
        root = _Composer(text).get_single_node()
    except yaml.MarkedYAMLError as e:
        colon = (e.problem or "").startswith("could not find expected ':'")  # found at the next line's end
        mark = (e.context_mark if colon else e.problem_mark) or e.context_mark
        raise LocatedYAMLError(mark.line + 1 if mark else 1, _plain_words(e, mark)) from e
    except yaml.reader.ReaderError as e:
        line = text.count("\n", 0, e.position) + 1
        raise LocatedYAMLError(line, f"the character {text[e.position]!a} is not allowed in YAML") from e
    except (ValueError, OverflowError) as e:  # PyYAML converts escapes and directives unchecked, such as "\Uffffffff"
        raise LocatedYAMLError(1, "an escape or a directive is out of range") from e
    return None if root is None else LocatedYAML(root)


_PLAIN_WORDS = {
    "mapping values are not allowed here": "a colon is missing in the line above, or this line is indented too far",
    "could not find expected ':'": "a key without a colon",
    "expected <block end>": "indented differently from the lines above",
    "expected ',' or": "a bracket is not closed, or a comma is missing",
    "expected the node content, but found '<stream end>'": "a bracket is not closed",
    "found unexpected end of stream": "a quote is not closed",
}
"""What PyYAML's problems mean to a person, by how they begin."""


def _plain_words(error: yaml.MarkedYAMLError, mark: yaml.Mark | None) -> str:
    before = "" if mark is None or mark.buffer is None else mark.buffer[: mark.pointer + 1].rpartition("\n")[2]
    if before.strip() == "" and "\t" in before:
        return "a tab; indent with spaces"
    problem = error.problem or error.context or "not YAML"
    return next((words for start, words in _PLAIN_WORDS.items() if problem.startswith(start)), problem)


class _Composer(yaml.SafeLoader):
    """Composes nodes without constructing objects; refuses what could make a large document of a small text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.yaml_implicit_resolvers = {None: [(TAG + name, pattern) for name, (pattern, _) in SCALARS.items()]}
        self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise yaml.MarkedYAMLError(None, None, "anchors and aliases (& and *) are not accepted", event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise yaml.MarkedYAMLError(None, None, "tags (!) are not accepted", event.start_mark)
        if self.depth == DEEPEST:
            raise yaml.MarkedYAMLError(None, None, f"nested more than {DEEPEST} deep", event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _scalar(node: yaml.Node) -> object:
    """The value of a scalar; None for any other node."""
    if not isinstance(node, yaml.ScalarNode):
        return None
    _, convert = SCALARS.get(node.tag.removeprefix(TAG), (None, str))
    return convert(node.value)
