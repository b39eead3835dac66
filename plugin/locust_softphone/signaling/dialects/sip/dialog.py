"""One call of a softphone: a dialog (RFC 3261 12), as the caller or as the one who is called.

caller    INVITE ──► 2xx ──► ACK ──► BYE              local tag: From          route: Record-Route, reversed
called    INVITE ◄── 2xx ◄── ACK ◄── BYE              local tag: To            route: Record-Route
"""

from __future__ import annotations

from collections.abc import Sequence

from locust_softphone.signaling.dialects.sip.sip_requests import Identity
from locust_softphone.sip_text import SipError, SipMessage, address

__all__ = ["Dialog"]


class Dialog:
    """The state of one dialog.

    Args:
        identity: of the softphone.
        call_id: of the call.
        local: the value of From in the softphone's own requests, with its tag.
        remote: the value of To in them, with the other's tag.
        target: the other's contact, the Request-URI of requests within the dialog.
        routes: the values of Route of those requests.
        local_cseq: the number of the softphone's last request.
        remote_cseq: the number of the other's last request; -1 if there was none.

    Attributes:
        invite_cseq: the number of the last INVITE of the softphone, whose 2xx an ACK confirms.
    """

    __slots__ = (
        "_identity", "call_id", "invite_cseq", "local", "local_cseq", "remote", "remote_cseq", "routes", "target",
    )  # fmt: skip

    def __init__(
        self,
        identity: Identity,
        call_id: str,
        local: str,
        remote: str,
        target: str,
        routes: Sequence[str],
        *,
        local_cseq: int = 0,
        remote_cseq: int = -1,
    ) -> None:
        self._identity = identity
        self.call_id = call_id
        self.local = local
        self.remote = remote
        self.target = target
        self.routes = routes
        self.local_cseq = self.invite_cseq = local_cseq
        self.remote_cseq = remote_cseq

    @classmethod
    def of_answer(cls, identity: Identity, local: str, uri: str, response: SipMessage) -> Dialog:
        """The dialog that a 2xx to the softphone's own INVITE establishes (RFC 3261 12.1.2).

        Raises:
            SipError: the response has a header that cannot be read.
        """
        contacts = response.values("contact")
        target = address(contacts[0]).uri if contacts else uri
        routes = response.values("record-route")[::-1]
        remote, number = response.get("to"), response.cseq[0]
        return cls(identity, response.call_id, local, remote, target, routes, local_cseq=number)

    @classmethod
    def of_request(cls, identity: Identity, request: SipMessage, tag: str) -> Dialog:
        """The dialog that the softphone's 2xx to an INVITE establishes (RFC 3261 12.1.1).

        Raises:
            SipError: the request has no Contact, no CSeq or no Call-ID, or a header that cannot be read.
        """
        contacts, number = request.values("contact"), request.cseq[0]
        if not contacts or number < 0 or not request.call_id:
            raise SipError("an INVITE without Contact, CSeq or Call-ID")
        local, remote = f"{request.get('to')};tag={tag}", request.get("from")
        routes = request.values("record-route")
        target = address(contacts[0]).uri
        return cls(identity, request.call_id, local, remote, target, routes, remote_cseq=number)

    @property
    def key(self) -> tuple[str, str]:
        """What its requests and responses are recognized by: the Call-ID and the local tag."""
        return self.call_id, address(self.local).tag

    def ack(self) -> str:
        """The ACK for a 2xx: a transaction of its own (RFC 3261 13.2.2.4)."""
        return self._request("ACK", self.invite_cseq)

    def bye(self) -> str:
        """The request that ends the call (RFC 3261 15)."""
        self.local_cseq += 1
        return self._request("BYE", self.local_cseq)

    def _request(self, method: str, cseq: int) -> str:
        headers = [
            ("From", self.local), ("To", self.remote), ("Call-ID", self.call_id), ("CSeq", f"{cseq} {method}")
        ]  # fmt: skip
        identity = self._identity
        return identity.request(method, self.target, headers, branch=identity.new_token(), routes=self.routes)
