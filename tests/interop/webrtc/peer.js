// Peer connections of libwebrtc (@roamhq/wrtc) and of werift, told what to do by JSON lines:
//
//   {"do": "offer", "media": ["audio", "data"]}   a new peer; its offer, set as its local description
//   {"do": "answer", "sdp": offer}                a new peer; its answer to this offer
//   {"do": "accept", "sdp": answer}               the peer that made the last offer takes this answer
//
// Each is replied to with {"sdp": …}, or {"error": …} when the stack refuses. No STUN server, no media.
'use strict';

const { createInterface } = require('readline');

const { RTCPeerConnection } = require(process.argv[2]);

let peer;

async function newPeer(options) {
  await peer?.close();
  peer = new RTCPeerConnection({ iceServers: [], ...options });
}

const actions = {
  async offer({ media, options }) {
    await newPeer(options);
    for (const kind of media) {
      if (kind === 'data') peer.createDataChannel('chat');
      else peer.addTransceiver(kind);
    }
    await peer.setLocalDescription(await peer.createOffer());
    return peer.localDescription.sdp;
  },
  async answer({ sdp }) {
    await newPeer();
    await peer.setRemoteDescription({ type: 'offer', sdp });
    await peer.setLocalDescription(await peer.createAnswer());
    return peer.localDescription.sdp;
  },
  async accept({ sdp }) {
    await peer.setRemoteDescription({ type: 'answer', sdp });
    return sdp;
  },
};

async function main() {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    const reply = await actions[request.do](request).then((sdp) => ({ sdp }), (error) => ({ error: error.message }));
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
  process.exit(0);
}

main();
