"""The users of the softphones: those of a real organisation, one for each softphone.

    jid,token                                         a CSV file with a header; either column may be missing
    5f3…c1@acme.orgspan.com,env:AGENT_1_TOKEN         a token of the form env:NAME is read from the environment

Without a file, each softphone asks the edge for its user (GET users/me), with a token of its own.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from locust_softphone.errors import InputError
from locust_softphone.jid import Jid
from locust_softphone.signaling.oauth import is_header_value
from locust_softphone.text import quoted

__all__ = ["User", "is_jid", "load_users"]

_COLUMNS = ("jid", "token")
_LARGEST = 16 * 1024 * 1024


@dataclass(frozen=True)
class User:
    """A user of the organisation. The softphone requests what is empty.

    Args:
        jid: the user's bare JID (``chat.jabberId``).
        token: the user's own token; never shown.
    """

    jid: str = ""
    token: str = field(default="", repr=False)

    def to_plain(self) -> dict[str, Any]:
        return {"jid": self.jid, "token": self.token}


def is_jid(text: str) -> bool:
    """Whether ``text`` is the bare JID of a user: local@domain."""
    return (jid := Jid.parse(text)) is not None and bool(jid.local) and not jid.resource


def load_users(path: Path, environment: Mapping[str, str] = os.environ) -> Sequence[User]:
    """Read a users file.

    Raises:
        InputError: with all problems, one line each; without any token.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path}: larger than 16 MB, not a users file")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise InputError(f"--softphone-users {path}: cannot be read ({reason})") from None
    reader = csv.DictReader(lines)
    columns = reader.fieldnames or []
    if not columns or any(column not in _COLUMNS for column in columns):
        raise InputError(f"{path}:1: the header must name the columns jid, token or both, as in jid,token")
    problems: list[str] = []
    users: list[User] = []
    lines_of: dict[tuple[str, Jid | str], int] = {}
    for row in reader:
        line = reader.line_num
        user = _user(row, f"{path}:{line}", environment, problems)
        users.append(user)
        for name, value in (("JID", Jid.parse(user.jid)), ("token", user.token)):
            if value and (first := lines_of.setdefault((name, value), line)) != line:
                problems.append(
                    f"{path}:{line}: the same {name} as in line {first}; a user's second softphone would close the "
                    "first one's WebSocket"
                )
    if not users:
        problems.append(f"{path}: names no users")
    if problems:
        raise InputError(*problems)
    return users


def _user(row: Mapping[str, Any], where: str, environment: Mapping[str, str], problems: list[str]) -> User:
    jid, token = (str(row.get(column) or "").strip() for column in _COLUMNS)
    if None in row:
        problems.append(f"{where}: more columns than the header has")
    if jid and not is_jid(jid):
        problems.append(f"{where}: {quoted(jid)} is not a bare JID, write it like name@org.example")
    if token.startswith("env:"):
        name = token.removeprefix("env:")
        token = environment.get(name, "")
        if not token:
            problems.append(f"{where}: the environment has no variable {quoted(name)}")
    if token and not is_header_value(token):
        problems.append(f"{where}: the token has characters that a Bearer token must not have (RFC 6750 2.1)")
    if not jid and not token and not problems:
        problems.append(f"{where}: neither a JID nor a token")
    return User(jid, token)
