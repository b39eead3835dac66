"""SIP over WebSocket against software that is not ours: Kamailio, JsSIP, sipp."""
