"""The OAuth client's secret from a file that contains nothing else."""

from __future__ import annotations

from pathlib import Path

from locust_softphone.errors import InputError

__all__ = ["read_secret"]

LONGEST_SECRET = 64 * 1024


def read_secret(file: Path, option: str) -> str:
    """The secret in a file.

    Args:
        file: with the secret on its only line.
        option: the option that names the file, for messages.

    Raises:
        InputError: the file cannot be read, or is not a secret.
    """
    name = f"{option} {file}"
    try:
        with file.open("rb") as opened:
            secret = opened.read(LONGEST_SECRET + 1).decode("utf-8-sig").rstrip("\r\n")
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{name}: not UTF-8; it must contain only the secret") from None
    problems = {
        "empty": not secret,
        "longer than 64 KB": len(secret) > LONGEST_SECRET,
        "more than one line": "\n" in secret or "\r" in secret,
    }
    if problem := next((problem for problem, found in problems.items() if found), None):
        raise InputError(f"{name}: {problem}; it must contain only the secret")
    return secret
