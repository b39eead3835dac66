"""How the softphones of the dialect sip register and whom they call: the part ``sip`` of a profile.

sip:
  domain: example.com            sip:softphone-7@example.com
  user: "softphone-{number}"
  call: softphone                or a number, or a SIP URI
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from locust_softphone.config.strict_yaml import StrictModel
from locust_softphone.config.units import Period, Seconds
from locust_softphone.sip_text import is_sip_user
from locust_softphone.text import quoted

__all__ = ["ANOTHER_SOFTPHONE", "Domain", "SipSettings"]

ANOTHER_SOFTPHONE = "softphone"
"""The value of ``call`` with which the softphones call each other."""

NUMBER = "{number}"
_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,8}", re.ASCII)
_URI = re.compile(r"sips?:[^\s<>\",;@]{1,128}@[A-Za-z0-9.\[\]:-]{1,255}", re.ASCII)


def _domain(text: str) -> str:
    if not _DOMAIN.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a domain name in lower case, write one such as example.com")
    return text


Domain = Annotated[str, AfterValidator(_domain)]
"""A domain name in lower case."""


def _user(text: str) -> str:
    if not is_sip_user(text.replace(NUMBER, "1")):
        raise ValueError(f"{quoted(text)} has characters that the user part of a SIP URI must not have (RFC 3261 25.1)")
    if NUMBER not in text:
        raise ValueError(f"{quoted(text)} gives all softphones the same user, write {NUMBER} where they differ")
    return text


def _callee(text: str) -> str:
    if not is_sip_user(text) and not _URI.fullmatch(text):
        raise ValueError(
            f'{quoted(text)} is neither a number, a user, a SIP URI nor "{ANOTHER_SOFTPHONE}"; write one such as '
            '"+12025550100" or "sip:bob@example.com"'
        )
    return text


def _path(text: str) -> str:
    if not re.fullmatch(r"/[!-~]{0,255}", text):
        raise ValueError(f"{quoted(text)} is not a path, write one such as /ws")
    return text


class SipSettings(StrictModel):
    """The users of the softphones, their registrar, and whom they call."""

    domain: Domain = Field(
        "edge.example", description="The domain of the users and of their registrar: sip:user@domain."
    )
    user: Annotated[str, AfterValidator(_user)] = Field(
        "softphone-{number}",
        description="The user of each softphone: `{number}` is its number in the plan, beginning with `first_number`. "
        "The password of all is the client secret, in which `{number}` is replaced as well.",
    )
    first_number: int = Field(1, ge=0, le=10**12, description="The number of the first softphone.")
    call: Annotated[str, AfterValidator(_callee)] = Field(
        "+12025550100",
        description="Whom the softphones call: a number or a user of the domain, or a SIP URI. With `softphone`, each "
        "calls the softphone before it, which starts earlier, and the first one calls itself.",
    )
    expires_s: Period = Field(
        600.0,
        alias="expires",
        description="The lifetime of a registration that is asked for; it is refreshed before it ends (JsSIP's default "
        "is 600 s).",
    )
    answer_after_s: Seconds = Field(
        0.0, alias="answer_after", description="How long a softphone that is called rings before it answers."
    )
    keep_alive_s: Period | None = Field(
        None,
        alias="keep_alive",
        description="Time between two CRLF keep-alives of a softphone (RFC 5626 3.5.1), by default none; pings of the "
        "edge are always answered.",
    )
    path: Annotated[str, AfterValidator(_path)] = Field("/ws", description="The path of the WebSocket.")

    def user_of(self, number: int) -> str:
        """The user of the softphone with this number, which begins with 0."""
        return self.user.replace(NUMBER, str(self.first_number + number))

    def callee_of(self, number: int) -> str:
        """The URI that the softphone with this number calls."""
        if self.call == ANOTHER_SOFTPHONE:
            return f"sip:{self.user_of(max(number - 1, 0))}@{self.domain}"
        return self.call if _URI.fullmatch(self.call) else f"sip:{self.call}@{self.domain}"

    def password_of(self, number: int, secret: str) -> str:
        """The password of a softphone's user, from the client secret."""
        return secret.replace(NUMBER, str(self.first_number + number))
