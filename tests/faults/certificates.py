"""Certificates with one fault each, and a good one, from a private authority."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme

__all__ = ["authority_file", "expired", "for_another_host", "good", "of_an_unknown_authority"]

HOST = "127.0.0.1"
_SCRATCH = TemporaryDirectory()


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


@cache
def authority_file() -> Path:
    """The authority's own certificate, for ``--softphone-ca``."""
    file = Path(_SCRATCH.name, "authority.pem")
    _authority().cert_pem.write_to_path(file)
    return file


def good() -> trustme.LeafCert:
    return _authority().issue_cert(HOST)


def expired() -> trustme.LeafCert:
    return _authority().issue_cert(HOST, not_after=datetime.now(UTC) - timedelta(days=1))


def for_another_host() -> trustme.LeafCert:
    return _authority().issue_cert("elsewhere.example", "127.0.0.2")


def of_an_unknown_authority() -> trustme.LeafCert:
    return trustme.CA().issue_cert(HOST)
