"""A real Kamailio for tests: SIP over WebSocket on loopback.

Debian's packages are kamailio and kamailio-websocket-modules. It is a registrar with digest authentication and a proxy,
in the way of Kamailio's own example for WebSockets. Its limits are its own: ``pipelimit`` counts the requests without
credentials of a second, ``pike`` all requests of a source address.

    python -m tests.interop.sip.kamailio [REGISTERS_PER_S [INVITES_PER_S]]      runs it, with sipp as its callee, until
                                                                                Enter is pressed
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from locust_softphone.commands.locust_process import unused_port
from tests.listening import await_port

__all__ = ["DOMAIN", "PASSWORD", "SERVICE", "Kamailio", "callee", "kamailio"]

DOMAIN = "softphones.test"
PASSWORD = "correct horse"  # of each user
SERVICE = "600"  # calls to this number go to the callee outside, over UDP

_PATIENCE_S = 30.0
_CONFIG = """#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=2
tcp_children=2
tcp_accept_no_cl=yes
tcp_max_connections=4096
auto_aliases=no
alias="{domain}"
mpath="{modules}"
listen=tcp:127.0.0.1:{port}
listen=udp:127.0.0.1:{port}

loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
loadmodule "nathelper.so"
loadmodule "xhttp.so"
loadmodule "websocket.so"
loadmodule "cfgutils.so"
loadmodule "pike.so"
loadmodule "pipelimit.so"

modparam("auth", "algorithm", "{algorithm}")
modparam("nathelper|registrar", "received_avp", "$avp(RECEIVED)")
modparam("pipelimit", "timer_interval", 1)
modparam("pike", "sampling_time_unit", 2)
modparam("pike", "reqs_density_per_unit", {pike})
modparam("pike", "remove_latency", 4)

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if ({with_pike} && is_method("REGISTER|INVITE") && !pike_check_req()) {{ route(REFUSED); }}
    if (nat_uac_test(64)) {{
        force_rport();
        if (is_method("REGISTER")) {{ fix_nated_register(); }}
        else if (!add_contact_alias()) {{ sl_send_reply("400", "Bad Contact"); exit; }}
    }}
    if (has_totag()) {{
        if (loose_route()) {{ handle_ruri_alias(); route(RELAY); }}
        if (is_method("ACK")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
        sl_send_reply("404", "Not here");
        exit;
    }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    if (is_method("REGISTER")) {{
        if ({registers} > 0 && !is_present_hf("Authorization") && !pl_check("register", "TAILDROP", "{registers}")) {{
            route(REFUSED);
        }}
        if (!pv_www_authenticate("$td", "{password}", "0")) {{ www_challenge("$td", "1"); exit; }}
        if (!save("location")) {{ sl_reply_error(); }}
        exit;
    }}
    if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
    if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    if ({invites} > 0 && !is_present_hf("Proxy-Authorization") && !pl_check("invite", "TAILDROP", "{invites}")) {{
        route(REFUSED);
    }}
    if (!pv_proxy_authenticate("$fd", "{password}", "0")) {{ proxy_challenge("$fd", "1"); exit; }}
    consume_credentials();
    record_route();
    if ($rU == "{service}") {{ $du = "sip:127.0.0.1:{callee}"; route(RELAY); }}
    if (!lookup("location")) {{ sl_send_reply("480", "Temporarily Unavailable"); exit; }}
    route(RELAY);
}}

route[RELAY] {{
    if (!t_relay()) {{ sl_reply_error(); }}
    exit;
}}

route[REFUSED] {{
    append_to_reply("Retry-After: {retry_after} (busy)\\r\\n");
    sl_send_reply("503", "Service Unavailable");
    exit;
}}

onreply_route {{ if (nat_uac_test(64)) {{ add_contact_alias(); }} }}

event_route[xhttp:request] {{
    if ($hdr(Upgrade) =~ "websocket" && $hdr(Connection) =~ "Upgrade" && ws_handle_handshake()) {{ exit; }}
    xhttp_reply("404", "Not Found", "", "");
}}
"""


@dataclass(frozen=True)
class Kamailio:
    """A running Kamailio.

    Attributes:
        port: of its WebSocket and of SIP over UDP, at 127.0.0.1.
        callee_port: UDP, where calls to ``SERVICE`` go.
    """

    port: int
    callee_port: int


@contextmanager
def kamailio(
    folder: Path,
    *,
    registers_per_s: int = 0,
    invites_per_s: int = 0,
    pike_requests: int = 0,
    retry_after_s: int = 1,
    algorithm: str = "MD5",
) -> Iterator[Kamailio]:
    """Run Kamailio; skips the test where it is not installed.

    Args:
        folder: for its files.
        registers_per_s: REGISTERs without credentials that pipelimit accepts in a second; 0: no limit.
        invites_per_s: the same of INVITEs.
        pike_requests: requests that pike accepts from a source address in 2 seconds; 0: no limit.
        retry_after_s: what a 503 says.
        algorithm: of the digest: MD5 or SHA-256.
    """
    program = shutil.which("kamailio", path=f"{os.environ['PATH']}:/usr/sbin")
    modules = next(Path("/usr/lib").glob("*/kamailio/modules/websocket.so"), None)
    if program is None or modules is None:
        pytest.skip("no Kamailio here (Debian packages kamailio and kamailio-websocket-modules)")
    port, callee_port = unused_port(), unused_port()
    config, log = folder / "kamailio.cfg", folder / "kamailio.log"
    config.write_text(
        _CONFIG.format(
            domain=DOMAIN,
            modules=f"{modules.parent}/",
            port=port,
            algorithm=algorithm,
            pike=pike_requests or 1,
            with_pike=int(pike_requests > 0),
            registers=registers_per_s,
            invites=invites_per_s,
            password=PASSWORD,
            service=SERVICE,
            callee=callee_port,
            retry_after=retry_after_s,
        )
    )
    command = [program, "-DD", "-E", "-f", str(config), "-Y", str(folder), "-m", "1024", "-M", "16"]
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            await_port(port, process, log)
            yield Kamailio(port, callee_port)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_PATIENCE_S)


@contextmanager
def callee(folder: Path, server: Kamailio, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run sipp, which answers the calls to ``SERVICE``; skips the test where it is not installed."""
    program = shutil.which("sipp")
    if program is None:
        pytest.skip("no sipp here (Debian package sip-tester)")
    scenario = str(Path(__file__).with_name("callee.xml"))
    command = [program, "-sf", scenario, "-i", "127.0.0.1", "-p", str(server.callee_port), "-nostdin", *options]
    with (folder / "sipp.log").open("w") as output, subprocess.Popen(command, stdout=output, cwd=folder) as process:
        try:
            yield process
        finally:
            process.kill()


def _main() -> None:
    registers, invites = [*map(int, sys.argv[1:]), 50, 50][:2]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        with (
            kamailio(folder, registers_per_s=registers, invites_per_s=invites) as server,
            callee(folder, server),
        ):
            print(f"a Kamailio at http://127.0.0.1:{server.port}, password {PASSWORD!r}, number {SERVICE}", flush=True)
            sys.stdin.readline()


if __name__ == "__main__":
    _main()
