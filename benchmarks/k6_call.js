// A softphone's call for k6 1.1.0. The benchmarks set these environment variables:
//   SCENARIO   the executor, as JSON          HOLD_S    seconds to stay connected after the answer
//   MEASURE    measure the call set-up        PAUSE_S   seconds between two calls of a user
//   RATE       measure the start lag against this many starts per second; 0: all at once
import exec from 'k6/execution';
import http from 'k6/http';
import { Trend } from 'k6/metrics';
import { sleep } from 'k6';
import ws from 'k6/ws';

const { EDGE, HOLD_S, MEASURE, PAUSE_S, RATE, SCENARIO, SDP } = __ENV;
const callSetup = MEASURE ? new Trend('call_setup', true) : null;
const startLag = RATE ? new Trend('start_lag', true) : null;

export const options = {
  scenarios: { calls: JSON.parse(SCENARIO) },
  noVUConnectionReuse: true,
  summaryTrendStats: ['p(50)', 'p(99)', 'max'],
};

export { setup } from './k6_token.js';

export default function (token) {
  const began = Date.now();
  if (startLag) {
    // ramping-arrival-rate plans start n, counted from 0, at (n + 1) / rate
    const planned = Number(RATE) ? ((exec.scenario.iterationInTest + 1) * 1000) / Number(RATE) : 0;
    startLag.add(began - exec.scenario.startTime - planned);
  }
  const headers = { Authorization: `Bearer ${token}`, 'X-Softphone-Id': String(__VU) };
  ws.connect(`${EDGE.replace('http', 'ws')}/signaling`, { headers }, (socket) => {
    socket.on('message', (message) => {
      const offer = JSON.stringify({ sessionId: JSON.parse(message).session, type: 'offer', sdp: SDP });
      const answer = http.post(`${EDGE}/api/v2/media/offer`, offer, {
        headers: Object.assign({ 'Content-Type': 'application/json' }, headers),
      });
      if (answer.status !== 201 || answer.json('type') !== 'answer') {
        throw new Error('no answer');
      }
      if (callSetup) {
        callSetup.add(Date.now() - began);
      }
      if (HOLD_S) {
        socket.setTimeout(() => hangUp(socket), HOLD_S * 1000);
      } else {
        hangUp(socket);
      }
    });
  });
  if (PAUSE_S) {
    sleep(Number(PAUSE_S));
  }
}

function hangUp(socket) {
  socket.send('{"type":"bye"}');
  socket.close(1000);
}
