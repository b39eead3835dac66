"""Who has registered where: the bindings of users to WebSockets (RFC 3261 10.3, RFC 5626 6).

A user can have several bindings; a call goes to the newest one. A binding ends with its lifetime or its WebSocket.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from locust_softphone.sip_text import SipError, SipMessage, address

__all__ = ["Binding", "Registrar", "Request"]

MOST_BINDINGS = 10  # of one user
SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)

P = TypeVar("P")


@dataclass(frozen=True)
class Request:
    """What a REGISTER asks for.

    Args:
        contacts: the values of Contact, as they are written, by their URI; ``*`` stands for all.
        expires_s: the lifetime of each; None where neither the contact nor Expires says it.
    """

    contacts: dict[str, str]
    expires_s: dict[str, int | None]

    @classmethod
    def read(cls, message: SipMessage) -> Request:
        """Read a REGISTER.

        Raises:
            SipError: a contact cannot be read.
        """
        general = _seconds(message.get("expires"))
        contacts: dict[str, str] = {}
        lifetimes: dict[str, int | None] = {}
        for value in message.values("contact"):
            if value == "*":
                if general != 0:
                    raise SipError("Contact: * needs Expires: 0")
                return cls({"*": "*"}, {"*": 0})
            contact = address(value)
            own = _seconds(contact.parameters.get("expires", ""))
            contacts[contact.uri] = re.sub(r";\s*expires=[^;]*", "", value)
            lifetimes[contact.uri] = general if own is None else own
        if len(contacts) > MOST_BINDINGS:
            raise SipError("too many contacts")
        return cls(contacts, lifetimes)

    @property
    def removes(self) -> bool:
        """Whether it only ends bindings."""
        return bool(self.contacts) and all(each == 0 for each in self.expires_s.values())


def _seconds(text: str) -> int | None:
    return int(text) if SECONDS.fullmatch(text) else None


@dataclass(slots=True)
class Binding(Generic[P]):
    """One contact of a user; ``phone`` is the WebSocket that it came over."""

    uri: str
    written: str
    phone: P
    until: float


class Registrar(Generic[P]):
    """The bindings of all users; ``now`` is in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, Binding[P]]] = {}  # by user and URI, the newest last

    def has(self, user: str, uri: str, phone: P) -> bool:
        """Whether this contact of the user is bound to this WebSocket."""
        binding = self._of.get(user, {}).get(uri)
        return binding is not None and binding.phone is phone

    def bind(self, user: str, uri: str, written: str, phone: P, until: float) -> None:
        """Bind a contact until an instant; a binding of the same contact is replaced."""
        bindings = self._of.setdefault(user, {})
        bindings.pop(uri, None)
        bindings[uri] = Binding(uri, written, phone, until)
        if len(bindings) > MOST_BINDINGS:
            del bindings[next(iter(bindings))]

    def unbind(self, user: str, uri: str | None = None, phone: P | None = None) -> None:
        """End bindings of a user: of one contact, of one WebSocket, or all."""
        bindings = self._of.get(user, {})
        for each in list(bindings.values()):
            if (uri is None or each.uri == uri) and (phone is None or each.phone is phone):
                del bindings[each.uri]
        if not bindings:
            self._of.pop(user, None)

    def bindings(self, user: str, now: float) -> list[Binding[P]]:
        """The bindings of a user that have not ended, the newest last."""
        return [each for each in self._of.get(user, {}).values() if each.until > now]
