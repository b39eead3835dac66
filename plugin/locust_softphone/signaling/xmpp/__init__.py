"""XMPP over WebSocket, as far as a softphone needs it.

parse, Element      one stanza, from text that nobody vouches for      stanza.py
XmppStream          stanzas in and out of a WebSocket                  stream.py
log_in              open, SASL PLAIN, bind                             login.py
jingle              the stanzas of a Jingle call, and what they say    jingle.py
"""
