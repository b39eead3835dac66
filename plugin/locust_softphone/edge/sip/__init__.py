"""The dialect sip on the simulated edge: a registrar and a proxy for SIP over WebSocket (RFC 7118).

sip_routes.py       the WebSocket handshake
sip_connection.py   one WebSocket
sip_server.py       who may register and call; what is counted
registrar.py        who has registered where
digest_check.py     challenges, and whether credentials are right
call_router.py      the calls: to another softphone, or to the edge itself
sip_replies.py      responses, and requests that are passed on
"""
