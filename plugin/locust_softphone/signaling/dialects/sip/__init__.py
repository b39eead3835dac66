"""The dialect ``sip``: SIP over WebSocket (RFC 7118), as softphones in browsers speak it.

sip_client.py    the dialect, and the state of one softphone between its connections
sip_session.py   one WebSocket: register, call, answer, hang up
sip_calls.py     the calls on one WebSocket, and the requests that others send
dialog.py        one call: its tags, its route, its requests
sip_requests.py  a request with its Via, and the answer to one
registration.py  the REGISTER of a softphone, and when to refresh it
sign_in.py       the credentials of one softphone
digest.py        the answer to a challenge
refusals.py      a refusal as an outcome, and its Retry-After
"""
