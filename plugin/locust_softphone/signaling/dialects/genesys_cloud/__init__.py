"""The wire of Genesys Cloud, as its client library speaks it; the server side is not published.

GenesysCloud, DialectClient    REST: token, user, channel, upgrade, call     client.py
Session                        one WebSocket: log in, keep alive, calls      session.py
Calls                          the stanzas of calls, over either transport   calls.py
KeepAlive                      when a connection is dead                     keep_alive.py
hosts_of                       the 18 regions and their hosts                regions.py
User                           the users of the softphones                   users.py
"""
