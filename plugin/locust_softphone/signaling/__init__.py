"""What a softphone does on the wire, with plain sockets. Nothing here imports Locust or gevent.

    Target, Stream          where the edge is; one TCP or TLS connection      target.py, stream.py, tls.py
    Hosts                   an edge of several targets                        hosts.py
    HttpConnection          requests over a stream                            http.py
    Cookies                 what load balancers with sticky sessions set          cookies.py
    Connection              a WebSocket over a stream                         websocket.py
    Credentials             an OAuth client and its token request             oauth.py
    Token, SharedToken      one token for all softphones, or one for each     token.py
    Dialect                 the interface of a dialect; the dialects          dialect.py, dialects/, xmpp/
    Account, DialectSetup   who the softphones are; what dialects are made of account.py, dialect_setup.py
    SoftphoneContext        what the softphones of a process share            context.py
    SharedBackoff           one 429 that holds all softphones back            shared_backoff.py
    Attempts                one softphone's attempts, measured and counted    attempts.py
    Authorization           which token they carry                            authorization.py
    Softphone               sets up calls, stays connected, hangs up          softphone.py

Sockets are those of the standard library by default. Under Locust a target gets sockets that wait on gevent's event
loop (``swarm/load/sockets.py``).
"""
