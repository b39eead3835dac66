"""XMPP over WebSocket, as far as a softphone needs it.

XmppStream    elements in and out of a WebSocket                xml_stream.py
log_in        open, SASL PLAIN, bind                            login.py
iq, message   stanzas as text                                   stanza.py
jingle        what the stanzas of a Jingle call are and say     jingle.py
"""
