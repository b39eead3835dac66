// Peer connections of the stack that argv names (@roamhq/wrtc, werift), controlled by JSON lines on stdin:
//
//   {"do": "offer", "media": ["audio", "data"]}   make a new peer and its offer
//   {"do": "answer", "sdp": offer}                make a new peer and its answer to this offer
//   {"do": "accept", "sdp": answer}               give this answer to the peer that made the last offer
//
// The reply to each is {"sdp": …}, or {"error": …} if the stack refuses. No STUN server, no media.
'use strict';

const { createInterface } = require('readline');

const { RTCPeerConnection } = require(process.argv[2]);

let peer;

async function newPeer(configuration) {
  await peer?.close();
  peer = new RTCPeerConnection({ iceServers: [], ...configuration });
}

const actions = {
  async offer({ media, configuration }) {
    await newPeer(configuration);
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
