"""What a softphone says on the wire, with plain sockets: nothing here knows Locust or gevent.

    Target              where the edge is, and may it be there             target.py
    Stream              one TCP or TLS connection to it                    stream.py
    Hosts               an edge of several targets                         hosts.py
    HttpConnection      requests over a stream                             http.py
    Connection          a WebSocket over a stream                          connection.py
    Credentials         an OAuth client, and how it asks for a token       oauth.py
    TokenSource         one token for a fleet, or one per connection       token.py
    SharedBackoff            one 429 for all, where the fleet shares it         shared_backoff.py
    Dialect             what every dialect has                             dialect.py
    MediaOffer          the steps of the default dialect                   media_offer.py
    GenesysCloud        those of Genesys Cloud, over XMPP                  genesys_cloud/, xmpp/
    Account             which edge, as whom; the dialects by name          dialects.py
    Attempts            one phone's attempts, measured and judged          attempts.py
    Softphone           one phone: sets up calls, holds, hangs up          softphone.py

By itself it waits in the standard library's ``socket``. Under Locust a target is given sockets that let the other
softphones run meanwhile (``swarm/sockets.py``).
"""
