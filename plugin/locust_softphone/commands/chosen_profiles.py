"""The profiles that a command line names, with its ``--set`` and ``--sweep``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from locust_softphone.config.key_overrides import Override, load_overridden
from locust_softphone.config.profile import Profile
from locust_softphone.config.profile_files import profile_folders
from locust_softphone.errors import InputError

__all__ = ["load_profiles", "write_profiles"]


def load_profiles(
    names: Iterable[str], sets: Sequence[Override] = (), sweeps: Sequence[tuple[Override, ...]] = ()
) -> list[Profile]:
    """The profiles with their overrides, one for each combination of the swept values.

    Raises:
        InputError: with every problem of every profile.
    """
    profiles: list[Profile] = []
    problems: list[str] = []
    for name in names:
        try:
            profiles += load_overridden(name, profile_folders(), sets, sweeps)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*dict.fromkeys(problems))
    return profiles


def write_profiles(profiles: Iterable[Profile], folder: Path) -> list[str]:
    """Write the profiles into a folder, for processes that read them from there; returns their paths.

    Raises:
        InputError: the folder cannot be written to.
    """
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for profile in profiles:
            path = folder / f"{profile.name}.yaml"
            path.write_text(yaml.safe_dump(profile.resolved(), sort_keys=False, allow_unicode=True), encoding="utf-8")
            paths.append(str(path))
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to ({error.strerror})") from None
    return paths
