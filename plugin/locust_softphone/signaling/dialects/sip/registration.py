"""The registration of one softphone: its headers, its lifetime, and when to refresh it (RFC 3261 10.2).

    lifetime over 64 s     refreshed at a random time between half of it and 32 s before its end
    shorter                5 s before its end

Source of the times: JsSIP 3.13.8, Registrator.js, register().
"""

from __future__ import annotations

import re
from math import inf
from random import Random
from uuid import UUID

from locust_softphone.signaling.dialects.sip.sip_requests import ALLOW, Identity
from locust_softphone.sip_text import SipError, SipMessage, address

__all__ = ["Registration"]

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
_LEAST_S = 10
_LONG_S = 64
_AGAIN_S = 30.0


class Registration:
    """The registration of one softphone, over all its connections.

    Args:
        identity: of the softphone.
        registrar: the URI of the registrar: the domain.
        expires_s: the lifetime to ask for.
        random: makes ids, and spreads the refreshes.

    Attributes:
        next_cseq: the number of the next REGISTER.
        due_s: when the registration must be refreshed, by ``time.perf_counter``.
    """

    __slots__ = (
        "_call_id",
        "_contact",
        "_expires_s",
        "_identity",
        "_random",
        "_tag",
        "due_s",
        "next_cseq",
        "registrar",
    )

    def __init__(self, identity: Identity, registrar: str, expires_s: float, random: Random) -> None:
        self.registrar = registrar
        self.next_cseq = 1
        self.due_s = inf
        self._identity = identity
        self._random = random
        self._expires_s = max(round(expires_s), 1)
        self._call_id = identity.new_token()
        self._tag = identity.new_token()
        instance = UUID(int=random.getrandbits(128), version=4)
        self._contact = f'<{identity.contact_uri}>;+sip.ice;reg-id=1;+sip.instance="<urn:uuid:{instance}>"'

    def headers(self, expires_s: int | None = None) -> list[tuple[str, str]]:
        """The headers of a REGISTER; ``expires_s`` is 0 to end the registration."""
        lifetime = self._expires_s if expires_s is None else expires_s
        uri = self._identity.uri
        return [
            ("From", f"<{uri}>;tag={self._tag}"),
            ("To", f"<{uri}>"),
            ("Call-ID", self._call_id),
            ("Contact", f"{self._contact};expires={lifetime}"),
            ("Expires", str(lifetime)),
            ("Allow", ALLOW),
            ("Supported", "path, outbound"),
        ]

    def accept_minimum(self, response: SipMessage) -> bool:
        """Ask for the lifetime that a 423 demands (RFC 3261 10.2.8); returns whether it demands one."""
        least = response.get("min-expires")
        if not _SECONDS.fullmatch(least):
            return False
        self._expires_s = max(int(least), _LEAST_S)
        return True

    def registered(self, response: SipMessage, now_s: float) -> None:
        """Note the lifetime that the registrar has granted."""
        granted_s = self._granted_s(response)
        if granted_s > _LONG_S:
            self.due_s = now_s + granted_s / 2 + (granted_s / 2 - 32) * self._random.random()
        else:
            self.due_s = now_s + max(granted_s - 5, granted_s / 2)

    def postpone(self, now_s: float) -> None:
        """Try a refresh that may fail again later."""
        self.due_s = now_s + _AGAIN_S

    def ended(self) -> None:
        """Refresh nothing any more: the connection has ended."""
        self.due_s = inf

    def _granted_s(self, response: SipMessage) -> int:
        """The lifetime of the softphone's own contact, or of the whole response, or the one asked for."""
        try:
            for value in response.values("contact"):
                contact = address(value)
                if contact.uri.startswith(self._identity.contact_uri.partition(";")[0]):
                    expires = contact.parameters.get("expires", "")
                    if _SECONDS.fullmatch(expires):
                        return max(int(expires), _LEAST_S)
        except SipError:
            pass
        expires = response.get("expires")
        return max(int(expires), _LEAST_S) if _SECONDS.fullmatch(expires) else self._expires_s
