// The real client, genesys-cloud-streaming-client, told what to do on stdin and telling what happens on stdout, both as
// lines of JSON. Everything that it says to an edge is its own.
'use strict';

// The library probes its surroundings when it is imported, so it comes before there is a window.
const stanza = require('stanza/platform/node');
const createClient = require('genesys-cloud-streaming-client').default;
const { createInterface } = require('readline');
const { PeerConnection } = require('./peer_connection.js');

const stored = new Map();
global.window = { addEventListener() {} };
Object.defineProperty(global, 'navigator', { value: { onLine: true }, configurable: true });
global.sessionStorage = {
  getItem: (key) => stored.get(key) ?? null,
  setItem: (key, value) => stored.set(key, value),
};
global.RTCPeerConnection = stanza.RTCPeerConnection = PeerConnection;
global.RTCIceCandidate = class {
  constructor(fields) { Object.assign(this, fields); }
};
console.error = () => {}; // stanza shows whatever error a socket has

const TICK_MS = 10;
const tell = (event, facts = {}) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);

let lagMs = 0; // how late a timer of this process has been at most
let due = performance.now() + TICK_MS;
setInterval(() => {
  const late = performance.now() - due;
  if (late > lagMs) {
    lagMs = late;
    tell('lag', { lag_s: lagMs / 1000 });
  }
  due = performance.now() + TICK_MS;
}, TICK_MS);
const quiet = () => {};
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };

const { origin, token } = JSON.parse(process.argv[2]);
const client = new createClient({
  host: origin.replace('http', 'ws'),
  apiHost: origin,
  authToken: token,
  appName: 'interop',
  optOutOfWebrtcStatsTelemetry: true, // or it would tell the service's hosts about its calls
  logger,
});

client.on('connected', () => tell('connected'));
client.on('disconnected', (facts) => tell('disconnected', facts));
client.on('notify', ({ topic }) => tell('notified', { topic }));

let session;
client.webrtcSessions.on('requestIncomingRtcSession', (proposed) => {
  tell('proposed', { conversationId: proposed.conversationId, sdpOverXmpp: !!proposed.sdpOverXmpp,
    autoAnswer: !!proposed.autoAnswer, sessionType: proposed.sessionType });
  client.webrtcSessions.acceptRtcSession(proposed.sessionId);
});
client.webrtcSessions.on('incomingRtcSession', (offered) => {
  session = offered;
  session.on('connectionState', (state) => tell('call', { state }));
  session.on('terminated', (reason) => tell('terminated', { reason: reason?.condition }));
  session.accept();
});

const commands = {
  connect: ({ options }) => client.connect(options),
  call: () => client.http.requestApi('conversations/calls', {
    method: 'post', host: origin, authToken: token, data: { phoneNumber: '+15550100' }, logger,
  }),
  hangUp: () => session.end(),
  disconnect: () => client.disconnect(),
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { command, ...facts } = JSON.parse(line);
  Promise.resolve(commands[command](facts)).catch((error) => tell('failed', { command, type: error?.type }));
}).on('close', () => process.exit());

tell('started');
