"""Why a TLS connection failed: a short reason that counts failures, and a sentence for a person with what to do.

    certificate   OpenSSL's verification error, or no name of it is the host's       ``certificate_problem``
    handshake     OpenSSL's words for an alert or for data that is not TLS           ``handshake_problem``

A certificate is untrusted: its names are quoted and shortened.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from cryptography import x509
from cryptography.x509 import DNSName, ExtensionNotFound, IPAddress, SubjectAlternativeName

from locust_softphone.text import one_line

__all__ = ["TlsProblem", "TlsReason", "certificate_problem", "handshake_problem", "names_of", "wrong_host"]

_MOST_NAMES = 5
_LONGEST_NAME = 80


class TlsReason(StrEnum):
    """Why it failed: part of the cause that failed attempts are counted by."""

    NO_TLS = "no TLS there"
    SELF_SIGNED = "self-signed certificate"
    UNKNOWN_AUTHORITY = "certificate of an unknown authority"
    WRONG_HOST = "certificate for another host"
    EXPIRED = "certificate expired"
    NOT_YET_VALID = "certificate not yet valid"
    WEAK = "certificate too weak"
    UNVERIFIED = "certificate does not verify"
    TOO_OLD = "TLS version or ciphers too old"
    CLIENT_CERTIFICATE = "client certificate asked for, softphones have none"
    CLOSED = "connection closed during the TLS handshake"
    OTHER = "TLS handshake failed"


class TlsProblem(NamedTuple):
    """Why a TLS connection failed.

    Args:
        reason: one of a few, so that failures can be counted by it.
        detail: a sentence that says what was found and what would be right.
    """

    reason: TlsReason
    detail: str


# OpenSSL's verification errors: X509_V_ERR_… in openssl/x509_vfy.h.
_NOT_YET_VALID, _EXPIRED = 9, 10
_SELF_SIGNED, _SELF_SIGNED_IN_CHAIN = 18, 19
_NO_ISSUER = (2, 20, 21)
_TOO_WEAK = (66, 67, 68)
_TOO_OLD = ("handshake failure", "protocol version", "unsupported protocol", "no shared cipher")


def certificate_problem(error: int, certificate: x509.Certificate, depth: int, ca_file: str | None) -> TlsProblem:
    """Why a certificate is not trusted.

    Args:
        error: OpenSSL's verification error.
        certificate: the one at which verification failed.
        depth: its place in the chain; 0 for the server's own.
        ca_file: what ``--softphone-ca`` names, if anything.
    """
    which = "its certificate" if depth == 0 else f"the certificate of its authority ({_name(certificate.subject)})"
    if error == _EXPIRED:
        return TlsProblem(TlsReason.EXPIRED, f"{which} expired on {_instant(certificate.not_valid_after_utc)}")
    if error == _NOT_YET_VALID:
        begins = _instant(certificate.not_valid_before_utc)
        return TlsProblem(TlsReason.NOT_YET_VALID, f"{which} is not valid before {begins}; is the clock here right?")
    if error == _SELF_SIGNED:
        advice = f"is not the one in {ca_file}" if ca_file else "is not trusted: give it with --softphone-ca FILE"
        return TlsProblem(TlsReason.SELF_SIGNED, f"its certificate is self-signed and {advice}")
    if error in (*_NO_ISSUER, _SELF_SIGNED_IN_CHAIN):
        authority = _name(certificate.subject if error == _SELF_SIGNED_IN_CHAIN else certificate.issuer)
        return TlsProblem(
            TlsReason.UNKNOWN_AUTHORITY, f"its certificate is signed by {authority}, {_untrusted(ca_file)}"
        )
    if error in _TOO_WEAK:
        return TlsProblem(TlsReason.WEAK, f"the key or the signature of {which} is too weak")
    return TlsProblem(TlsReason.UNVERIFIED, f"{which} does not verify (X509_V_ERR {error})")


def wrong_host(host: str, certificate: x509.Certificate) -> TlsProblem:
    """Why a certificate is not for a host."""
    if names := names_of(certificate):
        shown = ", ".join(_short(name) for name in names[:_MOST_NAMES])
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        detail = f"its certificate is not for {host}, but for {shown}{more}: give a host that it is for"
    else:
        detail = (
            f"its certificate has no alternative names (subjectAltName), so it is for no host; with openssl req: "
            f'-addext "subjectAltName={"IP" if _is_like_address(host) else "DNS"}:{host}"'
        )
    return TlsProblem(TlsReason.WRONG_HOST, detail)


def handshake_problem(words: str, *, has_certificate: bool) -> TlsProblem:
    """Why a handshake failed otherwise.

    Args:
        words: OpenSSL's reason.
        has_certificate: whether the server's certificate had come before.
    """
    if any(each in words for each in ("wrong version number", "http request", "packet length too long")):
        return TlsProblem(TlsReason.NO_TLS, "there is no TLS on this port: write http://, or give a port that has TLS")
    if "certificate required" in words or ("handshake failure" in words and has_certificate):
        detail = "it asks for a client certificate, and softphones have none"
        return TlsProblem(TlsReason.CLIENT_CERTIFICATE, detail)
    if any(each in words for each in _TOO_OLD):
        detail = "its TLS version or its ciphers are too old: TLS 1.2 or 1.3 with ECDHE or DHE is required"
        return TlsProblem(TlsReason.TOO_OLD, detail)
    if "unrecognized name" in words:
        return TlsProblem(TlsReason.WRONG_HOST, "it does not serve a host of this name")
    return TlsProblem(TlsReason.OTHER, f"the TLS handshake failed: {words}")


def names_of(certificate: x509.Certificate) -> list[str]:
    """The names and addresses that a certificate is for: its alternative names (RFC 9525 6)."""
    try:
        names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except (ExtensionNotFound, ValueError):
        return []
    return [*names.get_values_for_type(DNSName), *map(str, names.get_values_for_type(IPAddress))]


def _untrusted(ca_file: str | None) -> str:
    if ca_file:
        return (
            f"which is not in {ca_file}: give the authority that signed it, or let the server send what is in between"
        )
    return "which this system does not trust: give the certificate of that authority with --softphone-ca FILE"


def _name(name: x509.Name) -> str:
    return _short(name.rfc4514_string()) or "an authority without a name"


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1] + "…"


def _instant(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M UTC")


def _is_like_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
