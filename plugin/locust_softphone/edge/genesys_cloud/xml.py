"""One stanza at a time, read by expat with everything forbidden that XMPP forbids (RFC 6120 11.1).

Without a document type declaration there are no entities to expand, so nothing grows beyond its length on the wire,
which the WebSocket bounds; depth is bounded here. Elements and attributes are named ``{namespace}name``, as everywhere
in ``xml.etree``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

__all__ = ["NotAStanza", "read_element"]

DEEPEST = 32  # a Jingle offer is 7 deep


class NotAStanza(ValueError):
    """Not one well-formed element, or one that XMPP forbids.

    Args:
        condition: the stream error that it is (RFC 6120 4.9.3).
    """

    def __init__(self, condition: str) -> None:
        super().__init__(condition)
        self.condition = condition


def read_element(text: str) -> Element:
    """The one element that ``text`` is.

    Raises:
        NotAStanza: it is something else.
    """
    parser = expat.ParserCreate(encoding="utf-8", namespace_separator="}")
    tree = TreeBuilder()
    depth = 0

    def start(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise NotAStanza("policy-violation")
        tree.start(_named(name), {_named(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        tree.end(_named(name))

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = tree.data
    parser.StartDoctypeDeclHandler = _forbidden
    parser.ProcessingInstructionHandler = _forbidden
    parser.CommentHandler = _forbidden
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as e:
        raise NotAStanza("not-well-formed") from e
    element: Element = tree.close()
    return element


def _named(name: str) -> str:
    return "{" + name if "}" in name else name


def _forbidden(*_: Any) -> NoReturn:
    raise NotAStanza("restricted-xml")
