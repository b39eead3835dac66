"""Where profiles are found: by name in the working directory, in its ``scenarios`` and in the pack, or by path."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from locust_softphone.config import strict_yaml
from locust_softphone.config.profile import Profile
from locust_softphone.errors import InputError
from locust_softphone.text import did_you_mean, nearest, one_line, quoted

__all__ = [
    "ProfileFile",
    "first_comment",
    "list_profiles",
    "load_profile",
    "pack_folder",
    "profile_folders",
    "profile_text",
]

WORKING_DIRECTORY = Path()

_USERS, _RAMP = (re.compile(rf"(^|[{{,])\s*{key}\s*:", re.MULTILINE) for key in ("users", "ramp"))


class ProfileFile(NamedTuple):
    """A profile as a list shows it. The file has not been checked.

    Args:
        name: the file's name without its suffix.
        path: the file.
        about: its first comment.
    """

    name: str
    path: Path
    about: str


def profile_folders() -> tuple[Path, ...]:
    """Where names of profiles are looked up: the working directory, ``scenarios/`` in it, then the pack."""
    return (WORKING_DIRECTORY, Path("scenarios"), pack_folder())


def pack_folder() -> Path:
    """The profiles of this package: inside the package when installed, at the top of a checkout otherwise."""
    package = Path(__file__).parents[1]
    installed = package / "pack" / "scenarios"
    return installed if installed.is_dir() else package.parents[1] / "scenarios"


def list_profiles(folders: Iterable[Path]) -> list[ProfileFile]:
    """The profiles in ``folders``, sorted by name. If two have one name, the earlier folder counts.

    The working directory may have other YAML files too: of those, only the ones with ``users`` and ``ramp`` count.
    """
    found: dict[str, ProfileFile] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*.yaml"))):
        text = _text(path)
        if path.parent != WORKING_DIRECTORY or (_USERS.search(text) and _RAMP.search(text)):
            found.setdefault(path.stem, ProfileFile(path.stem, path, first_comment(text)))
    return sorted(found.values())


def load_profile(name_or_path: str | os.PathLike[str], folders: Iterable[Path]) -> Profile:
    """Load the profile of that name in one of the ``folders``, or the one at that path.

    Raises:
        InputError: there is no such profile, or every problem that its file has.
    """
    name, text = profile_text(name_or_path, folders)
    profile = strict_yaml.loads(text, Profile, name=name)
    return profile if profile.about else profile.model_copy(update={"about": first_comment(text)})


def _advice(wanted: str, known: Collection[str]) -> str:
    all_of_them = " locust-softphone profiles lists all" if nearest(wanted, known) else ""
    return f"{did_you_mean(wanted, known)}{all_of_them}"


def profile_text(name_or_path: str | os.PathLike[str], folders: Iterable[Path]) -> tuple[str, str]:
    """The path and the text of the profile of that name in one of the ``folders``, or of the one at that path.

    Raises:
        InputError: there is no such profile, or it cannot be read.
    """
    wanted = os.fspath(name_or_path)
    path = Path(wanted)
    if path.suffix not in (".yaml", ".yml") and path.name == wanted:
        paths = {profile.name: profile.path for profile in list_profiles(folders)}
        if wanted not in paths:
            raise InputError(f"{quoted(wanted)} is not a profile, {_advice(wanted, paths)}")
        path = paths[wanted]
    return os.fspath(path), strict_yaml.read(path)


def _text(path: Path) -> str:
    """A file's text; empty if it cannot be read, so that one bad file does not break a list."""
    try:
        return strict_yaml.read(path)
    except InputError:
        return ""


def first_comment(text: str) -> str:
    """The comment at the top of a file as one line, without the line for editors."""
    block = re.match(r"\s*((#.*\s*)*)", text)
    lines = (line.strip("# \t\r") for line in (block.group() if block else "").split("\n"))
    return one_line(" ".join(line for line in lines if line and not line.startswith("yaml-language-server:")))
