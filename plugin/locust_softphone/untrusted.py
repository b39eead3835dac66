"""JSON and XML from others, read so that no text can crash the reader or exhaust memory.

    json_object    strict JSON (RFC 8259); anything but an object is an empty object
    xml_element    one element; no DTD and so no entities to expand, no comments, no processing instructions
                   (RFC 6120 11.1); size and depth are bounded

The simulated edge and the softphones share these readers. They do not share what a message means to them. Plans of
JMeter are read with them too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

__all__ = ["MAX_XML_CHARACTERS", "MAX_XML_DEPTH", "XmlError", "json_object", "xml_element"]

MAX_XML_CHARACTERS = 256 * 1024
MAX_XML_DEPTH = 32  # a Jingle offer has 7 levels


_Start: TypeAlias = Callable[[str, dict[str, str]], None]
_End: TypeAlias = Callable[[str], object]


class XmlError(ValueError):
    """The text is not one element, or it is one that XMPP forbids.

    Args:
        condition: the stream error for it (RFC 6120 4.9.3): ``not-well-formed``, ``restricted-xml`` or
            ``policy-violation`` for what is too long or too deep. It contains nothing of the text.
    """

    def __init__(self, condition: str) -> None:
        super().__init__(condition)
        self.condition = condition


def json_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object in ``text``, or an empty one for anything else."""
    try:
        value = _JSON.decode(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def xml_element(
    text: str,
    *,
    max_characters: int = MAX_XML_CHARACTERS,
    max_depth: int = MAX_XML_DEPTH,
    comments: bool = False,
) -> Element:
    """The one element that ``text`` is; names are written ``{namespace}name``.

    Args:
        text: from the network, or from a file of somebody else.
        max_characters: a longer text is refused.
        max_depth: elements inside each other; a deeper text is refused.
        comments: whether comments are skipped; XMPP forbids them.

    Raises:
        XmlError: it is something else.
    """
    if len(text) > max_characters:
        raise XmlError("policy-violation")
    if (plain := _plain_element(text)) is not None:
        return plain
    tree = TreeBuilder()
    begin = tree.start
    prefixed = "xmlns:" in text or "xml:" in text  # only then can an attribute have a namespace

    def start(name: str, attributes: dict[str, str]) -> None:
        if prefixed and "}" in "".join(attributes):
            attributes = {_qualified(key): value for key, value in attributes.items()}
        begin(_qualified(name), attributes)

    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, tree.end
    parser.CharacterDataHandler = tree.data
    parser.StartDoctypeDeclHandler = _forbidden
    parser.ProcessingInstructionHandler = _forbidden
    if text.count("<") - text.count("</") > max_depth:  # fewer elements cannot be too deep
        parser.StartElementHandler, parser.EndElementHandler = _limit_depth(start, tree.end, max_depth)
    if not comments:
        parser.CommentHandler = _forbidden
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, UnicodeEncodeError):
        raise XmlError("not-well-formed") from None
    element: Element = tree.close()
    return element


def _plain_element(text: str) -> Element | None:
    """The element, if it is empty and as plain as the result of most requests; None for anything else.

    It takes half as long as with expat. These are most of the stanzas of a call.
    """
    found = _PLAIN.fullmatch(text)
    if found is None:
        return None
    parts = found[2].split('"')  # name, value, name, value ...
    attributes = {name[1:-1]: value for name, value in zip(parts[::2], parts[1::2], strict=False)}
    if len(attributes) != len(parts) // 2:  # an attribute is there twice
        return None
    namespace = attributes.pop("xmlns", "")
    if "//www.w3.org/" in namespace:  # may be one of XML's own, which cannot be declared
        return None
    return Element("{" + namespace + "}" + found[1] if namespace else found[1], attributes)


def _limit_depth(begin: _Start, finish: _End, max_depth: int) -> tuple[_Start, _End]:
    """The same handlers, but elements that are deeper inside each other are refused."""
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > max_depth:
            raise XmlError("policy-violation")
        begin(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        finish(name)

    return start, end


def _qualified(name: str) -> str:
    return "{" + name if "}" in name else name


def _forbidden(*_: object) -> NoReturn:
    raise XmlError("restricted-xml")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON (RFC 8259 6)")


_PLAIN = re.compile(r"""<([A-Za-z][A-Za-z-]*)((?: [A-Za-z][A-Za-z-]*="[ !#-%'-;=?-z|~]*")*) ?(?:/>|></\1>)""")
"""ASCII without the characters that need escaping, prefixes and braces."""

_JSON = json.JSONDecoder(parse_constant=_no_constant)  # json.loads accepts NaN and Infinity
