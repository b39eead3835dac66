// A JsSIP user agent over WebSocket, with libwebrtc, controlled by JSON lines on stdin:
//
//   {"do": "start", "url": …, "uri": …, "password": …, "answers": true}   connect and register
//   {"do": "call", "to": uri}         call; the reply comes when the call is confirmed, or has failed
//   {"do": "hang_up"}                 end the call
//   {"do": "await", "event": name}    the reply comes at this event, or at once if it has come
//
// The reply to each is {"ok": …}, or {"error": cause}. No STUN server, no media.
'use strict';

const { createInterface } = require('readline');
const { createRequire } = require('module');
const path = require('path');

const wrtc = createRequire(path.join(__dirname, '../webrtc/'))('@roamhq/wrtc');
Object.assign(globalThis, wrtc, { window: globalThis, WebSocket: require('ws') });
const JsSIP = require('jssip');

const seen = new Map();
const waiting = new Map();
let ua;
let session;

function happened(name, detail) {
  seen.set(name, detail ?? {});
  waiting.get(name)?.(seen.get(name));
}

function media() {
  const { nonstandard, MediaStream } = wrtc;
  return new MediaStream([new nonstandard.RTCAudioSource().createTrack()]);
}

function watch(call) {
  session = call;
  for (const name of ['progress', 'accepted', 'confirmed']) call.on(name, () => happened(name));
  for (const name of ['failed', 'ended']) {
    call.on(name, ({ originator, cause, message }) => {
      happened(name, { originator, cause, status: message?.status_code, retry_after: message?.getHeader?.('Retry-After') });
    });
  }
}

function first(...names) {
  return new Promise((resolve) => {
    for (const name of names) {
      const done = (detail) => resolve({ event: name, ...detail });
      if (seen.has(name)) done(seen.get(name));
      else waiting.set(name, done);
    }
  });
}

const actions = {
  start({ url, uri, password, answers }) {
    const sockets = [new JsSIP.WebSocketInterface(url)];
    ua = new JsSIP.UA({ sockets, uri, password, register: true, register_expires: 60, session_timers: false });
    ua.on('registered', () => happened('registered'));
    ua.on('registrationFailed', ({ cause, response }) => happened('registrationFailed', { cause, status: response?.status_code }));
    ua.on('disconnected', () => happened('disconnected'));
    ua.on('newRTCSession', ({ originator, session: call }) => {
      if (originator !== 'remote') return;
      watch(call);
      if (answers) call.answer({ mediaStream: media(), pcConfig: { iceServers: [] } });
    });
    ua.start();
    return first('registered', 'registrationFailed');
  },
  call({ to }) {
    for (const name of ['progress', 'accepted', 'confirmed', 'failed', 'ended']) seen.delete(name);
    watch(ua.call(to, { mediaStream: media(), pcConfig: { iceServers: [] }, mediaConstraints: { audio: true, video: false } }));
    return first('confirmed', 'failed');
  },
  hang_up() {
    session.terminate();
    return first('ended', 'failed');
  },
  await({ event }) {
    return first(event);
  },
};

async function main() {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    const reply = await Promise.resolve(actions[request.do](request)).catch((error) => ({ event: 'error', cause: error.message }));
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
  process.exit(0);
}

main();
