"""One XMPP stanza as a tree, read from text that nobody vouches for.

The parser is expat with everything switched off that RFC 6120 11.1 forbids: no DTD, and so no entity but the five of
XML itself (a billion laughs need a DTD), no processing instruction, no comment. Depth and size are bounded before
anything walks the tree. Each message of a WebSocket is one whole element (RFC 7395 3.3.3).

    parse('<iq type="get" …><ping xmlns="urn:xmpp:ping"/></iq>')  ►  Element("jabber:client iq", …)

A name is the namespace and the local name with a space between them, as expat tells it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn
from xml.parsers import expat

__all__ = ["Element", "StanzaError", "escape", "parse"]

MAX_CHARACTERS = 256 * 1024
MAX_DEPTH = 32


class StanzaError(ValueError):
    """Not a stanza that is allowed here: one stable sentence, without a word of the text itself."""


class Element:
    """An element: ``text`` is its own character data, ``children`` the elements in it, in their order."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element] = []
        self.text = ""

    def get(self, attribute: str) -> str:
        """An attribute's value, empty where there is none."""
        return self.attributes.get(attribute, "")

    def find(self, name: str) -> Element | None:
        """The first child of that name."""
        for child in self.children:
            if child.name == name:
                return child
        return None

    def find_all(self, name: str) -> list[Element]:
        """All children of that name."""
        return [child for child in self.children if child.name == name]


def escape(text: str) -> str:
    """``text`` as character data, or as an attribute's value in double quotes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def parse(text: str) -> Element:
    """Read one stanza.

    Raises:
        StanzaError: no well-formed XML, more than one element, something that RFC 6120 11.1 forbids, or more than
            256 Ki characters or 32 levels.
    """
    if len(text) > MAX_CHARACTERS:
        raise StanzaError("the stanza is longer than 256 Ki characters")
    root = Element("", {})
    path = [root]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(path) > MAX_DEPTH:
            raise StanzaError("the stanza is nested deeper than 32 levels")
        element = Element(name, attributes)
        path[-1].children.append(element)
        path.append(element)

    def end(name: str) -> None:
        path.pop()

    def characters(data: str) -> None:
        path[-1].text += data

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = _forbidden
    parser.ProcessingInstructionHandler = _forbidden
    parser.CommentHandler = _forbidden
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, UnicodeEncodeError):
        raise StanzaError("the stanza is not well-formed XML") from None
    return root.children[0]


def _forbidden(*_: object) -> NoReturn:
    raise StanzaError("the stanza has a DTD, a comment or a processing instruction (RFC 6120 11.1)")
