"""Genesys Cloud's own wire, as its client library speaks it; the server's side is not published.

hosts_of            the 18 regions and their hosts                      regions.py
GenesysCloud, DialectClient  REST: token, user, channel, upgrade, call           dialect.py
Session             one WebSocket: log in, keep alive, take calls       session.py
Calls               what is said in a call, over either bearer          calls.py
KeepAlive           who pings whom, and when a connection is dead       keep_alive.py
Users               whose softphones they are                           users.py
"""
