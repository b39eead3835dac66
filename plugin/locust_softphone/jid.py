"""XMPP addresses: whether a text is one, and which of them are the same (RFC 7622).

    local      UsernameCaseMapped: width, lower case, NFC; printable ASCII, letters, digits   3.3, RFC 8265 3.3
    domain     as A-labels, so that bücher.example is xn--bcher-kva.example                   3.2, RFC 5891
    resource   OpaqueString: every space is U+0020, NFC                                       3.4, RFC 8265 4.2

``unicodedata`` has what the mappings of the two PRECIS profiles need. Code points that are valid only in some contexts
(RFC 8264 9.6, such as the zero width joiner) are refused.
"""

from __future__ import annotations

from typing import NamedTuple, Self
from unicodedata import category, decomposition, normalize

import idna

__all__ = ["Jid", "same_jid"]

_MAX_BYTES = 1023
_NOT_LOCAL = frozenset("\"&'/:<>@ ")
_LETTERS_AND_DIGITS = frozenset(("Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc"))
_WIDTHS = {code: int(found.split()[1], 16) for code in range(0xFF01, 0xFFEF) if (found := decomposition(chr(code)))}
"""The fullwidth and halfwidth characters, and what each decomposes to."""


class Jid(NamedTuple):
    """An address in the form in which addresses are compared. A part that it does not have is empty."""

    local: str
    domain: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read an address; None if the text is not one."""
        bare, slash, resource = text.partition("/")
        local, at, domain = bare.rpartition("@")
        try:
            jid = cls(
                normalize("NFC", local.translate(_WIDTHS).lower()),
                idna.encode(domain, uts46=True).decode().removesuffix("."),
                normalize("NFC", "".join(" " if category(char) == "Zs" else char for char in resource)),
            )
            idna.check_bidi(jid.local)
        except idna.IDNAError:
            return None
        valid = all(map(_is_local, jid.local)) and jid.resource.isprintable()
        if not valid or bool(jid.local) != bool(at) or bool(jid.resource) != bool(slash):
            return None
        return jid if all(len(part.encode()) <= _MAX_BYTES for part in jid) else None


def same_jid(one: str, other: str) -> bool:
    """Whether two addresses are the same. Equal texts are, even if they are not addresses."""
    return one == other or ((jid := Jid.parse(one)) is not None and jid == Jid.parse(other))


def _is_local(char: str) -> bool:
    """Whether a local part may contain the character (RFC 7622 3.3.1, RFC 8264 4.2)."""
    if char.isascii():
        return char.isprintable() and char not in _NOT_LOCAL
    return category(char) in _LETTERS_AND_DIGITS and normalize("NFKC", char) == char
