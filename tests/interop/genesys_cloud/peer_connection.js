// A peer connection without media, in place of a browser's: it answers an audio offer as RFC 8829 has it, finds one
// candidate, and is connected at once.
'use strict';

const { randomBytes } = require('crypto');

const ANSWERED = ['v=', 'o=', 's=', 't=', 'a=group:', 'm=', 'c=', 'a=mid:', 'a=rtcp-mux', 'a=rtpmap:'];
const CANDIDATE = 'candidate:1 1 udp 2130706431 192.0.2.1 54321 typ host';

class PeerConnection extends EventTarget {
  signalingState = 'stable';
  iceConnectionState = 'new';
  connectionState = 'new';

  async setRemoteDescription(description) {
    this.remoteDescription = description;
    this.signalingState = 'have-remote-offer';
  }

  async createAnswer() {
    const kept = this.remoteDescription.sdp.split('\r\n').filter((line) => ANSWERED.some((start) => line.startsWith(start)));
    const own = [
      `a=ice-ufrag:${randomBytes(3).toString('hex')}`,
      `a=ice-pwd:${randomBytes(16).toString('hex')}`,
      `a=fingerprint:sha-256 ${randomBytes(32).toString('hex').match(/../g).join(':').toUpperCase()}`,
      'a=setup:active',
      'a=sendrecv',
    ];
    return { type: 'answer', sdp: [...kept, ...own, ''].join('\r\n') };
  }

  async setLocalDescription(description) {
    this.localDescription = description;
    this.signalingState = 'stable';
    setImmediate(() => this.#connect());
  }

  async addIceCandidate() {}
  async getStats() { return new Map(); }
  getTransceivers() { return []; }
  getReceivers() { return []; }
  getSenders() { return []; }

  close() {
    this.#become('closed', 'closed');
  }

  #connect() {
    const found = { candidate: CANDIDATE, sdpMid: 'audio', sdpMLineIndex: 0, protocol: 'udp', type: 'host' };
    this.#say('icecandidate', { candidate: found });
    this.#say('icecandidate', { candidate: null });
    this.#become('connected', 'connected');
  }

  #become(ice, connection) {
    this.iceConnectionState = ice;
    this.connectionState = connection;
    this.#say('iceconnectionstatechange', {});
    this.#say('connectionstatechange', {});
  }

  #say(type, fields) {
    const event = Object.assign(new Event(type), fields);
    this[`on${type}`]?.(event);
    this.dispatchEvent(event);
  }
}

module.exports = { PeerConnection };
