"""Profiles that the tests of the commands write to a folder."""

from __future__ import annotations

from pathlib import Path

PROFILE = """\
name: {name}
users: {users}
ramp: 0s
hold: {hold}
softphone: {{like: recommended}}
expect: [{expect}]
"""


def a_profile(
    folder: Path, name: str, *, users: int = 3, hold: str = "500ms", expect: str = "answered == 100%"
) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(PROFILE.format(name=name, users=users, hold=hold, expect=expect))
    return path
