// A softphone of Genesys Cloud for k6 1.1.0: one connection, and CALLS calls on it, one after the other. It sends and
// expects the frames that this project's dialect genesys-cloud sends and expects; XML is text here. The benchmarks set
// these environment variables:
//   SCENARIO   the executor, as JSON          CALLS      calls of each user
import encoding from 'k6/encoding';
import http from 'k6/http';
import ws from 'k6/ws';

const { CALLS, EDGE, SCENARIO } = __ENV;
const CLIENT = 'xmlns="jabber:client"';
const JINGLE = 'urn:xmpp:jingle:1';
const ICE = 'urn:xmpp:jingle:transports:ice-udp:1';
const RTP = 'urn:xmpp:jingle:apps:rtp:1';
const DTLS = 'urn:xmpp:jingle:apps:dtls:0';
const FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing';
const CANDIDATE =
  '<candidate component="1" foundation="1" generation="0" id="1" ip="192.0.2.1" network="0" port="9" ' +
  'priority="2130706431" protocol="udp" type="host"/>';
const FINGERPRINT = Array(32).fill('5A').join(':');

export const options = {
  scenarios: { calls: JSON.parse(SCENARIO) },
  noConnectionReuse: true,
};

export { setup } from './k6_token.js';

export default function (token) {
  const headers = {
    Authorization: `Bearer ${token}`,
    'Content-Type': 'application/json',
    'X-Softphone-Id': `user-${__VU}`,
  };
  const jid = http.get(`${EDGE}/api/v2/users/me`, { headers }).json('chat.jabberId');
  const channels = `${EDGE}/api/v2/notifications/channels?connectionType=streaming`;
  const channel = http.post(channels, '', { headers }).json('id');
  const url = `${EDGE.replace('http', 'ws')}/stream/channels/${channel}`;
  const upgrade = { headers: { 'Sec-WebSocket-Protocol': 'xmpp', 'X-Softphone-Id': `user-${__VU}` } };
  ws.connect(url, upgrade, (socket) => new Softphone(socket, token, jid, headers));
}

class Softphone {
  constructor(socket, token, jid, headers) {
    this.socket = socket;
    this.password = encoding.b64encode(`\0${jid}\0authKey:${token}`);
    this.bare = jid;
    this.domain = jid.split('@')[1];
    this.headers = headers;
    this.ids = 0;
    this.calls = 0;
    this.awaited = {}; // what to do with the answer to an iq, by its id
    this.loggedIn = false;
    this.sid = '';
    socket.on('open', () => this.open());
    socket.on('message', (text) => this.handle(text));
  }

  open() {
    this.socket.send(`<open xmlns="${FRAMING}" to="${this.domain}" version="1.0"/>`);
  }

  // Sends an iq; `then` is called with its answer.
  ask(kind, content, then, addresses = '') {
    const id = `s${++this.ids}`;
    if (then) {
      this.awaited[id] = then;
    }
    this.socket.send(`<iq ${CLIENT} type="${kind}" id="${id}"${addresses}>${content}</iq>`);
  }

  handle(text) {
    if (text.startsWith('<iq')) {
      this.handleIq(text);
    } else if (text.startsWith('<message')) {
      this.handleMessage(text);
    } else if (text.startsWith('<stream:features')) {
      this.handleFeatures(text);
    } else if (text.startsWith('<success')) {
      this.loggedIn = true;
      this.open();
    } else if (text.startsWith('<close')) {
      this.socket.close(1000);
    } else if (!text.startsWith('<open')) {
      throw new Error(`unexpected: ${text}`);
    }
  }

  handleFeatures() {
    if (!this.loggedIn) {
      this.socket.send(
        `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${this.password}</auth>`,
      );
      return;
    }
    const bind = '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>k6</resource></bind>';
    this.ask('set', bind, (answer) => {
      this.jid = /<jid>([^<]*)<\/jid>/.exec(answer)[1];
      this.discover('turn');
      this.discover('stun', () => this.subscribe());
    });
  }

  discover(kind, then = () => {}) {
    this.ask('get', `<services xmlns="urn:xmpp:extdisco:1" type="${kind}"/>`, then, ` to="${this.domain}"`);
  }

  subscribe() {
    const subscription =
      `<pubsub xmlns="http://jabber.org/protocol/pubsub"><subscribe node="enable.server.side.pings" ` +
      `jid="${this.bare}"/></pubsub>`;
    const to = ` to="notifications.${EDGE.split('/')[2].split(':')[0]}"`;
    this.ask('set', subscription, () => {
      this.discover('turn');
      this.discover('stun');
      this.call();
    }, to);
  }

  call() {
    this.calls += 1;
    const answer = http.post(`${EDGE}/api/v2/conversations/calls`, '{"phoneNumber": "+15550100"}', {
      headers: this.headers,
    });
    this.conversation = answer.json('id');
    if (!this.conversation) {
      throw new Error(`no call: ${answer.status}`);
    }
  }

  handleMessage(text) {
    const from = attribute(text, 'from');
    if (text.includes('<propose') && text.includes(this.conversation)) {
      this.sid = / xmlns="urn:xmpp:jingle-message:0" id="([^"]*)"/.exec(text)[1];
      this.peer = from;
      this.tell(from, 'proceed');
      this.tell(this.bare, 'accept');
    }
  }

  tell(to, what) {
    const said = `<${what} xmlns="urn:xmpp:jingle-message:0" id="${this.sid}"/>`;
    this.socket.send(`<message ${CLIENT} to="${to}">${said}</message>`);
  }

  handleIq(text) {
    const kind = attribute(text, 'type');
    const id = attribute(text, 'id');
    if (kind === 'result' || kind === 'error') {
      const then = this.awaited[id];
      delete this.awaited[id];
      if (kind === 'error' && !text.includes('service-unavailable')) {
        throw new Error(`refused: ${text}`);
      }
      if (then) {
        then(text);
      }
      return;
    }
    this.socket.send(`<iq ${CLIENT} type="result" id="${id}" to="${attribute(text, 'from')}"></iq>`);
    if (text.includes('action="session-initiate"')) {
      this.accept(text);
    }
  }

  accept(offer) {
    const content = /<content [^>]*name="([^"]*)"/.exec(offer)[1];
    const payload = /<payload-type id="([^"]*)" name="([^"]*)" clockrate="([^"]*)"( channels="[^"]*")?/.exec(offer);
    const ufrag = encoding.b64encode(String(Math.random())).slice(0, 4);
    const pwd = encoding.b64encode(String(Math.random()) + String(Math.random())).slice(0, 24);
    const transport = (inner) => `<transport xmlns="${ICE}" ufrag="${ufrag}" pwd="${pwd}">${inner}</transport>`;
    const inside = (inner) => `<content creator="initiator" name="${content}" senders="both">${inner}</content>`;
    const description =
      `<description xmlns="${RTP}" media="audio"><payload-type id="${payload[1]}" name="${payload[2]}" ` +
      `clockrate="${payload[3]}"${payload[4] || ''}/><rtcp-mux/></description>`;
    const print = `<fingerprint xmlns="${DTLS}" hash="sha-256" setup="active">${FINGERPRINT}</fingerprint>`;
    const who = `initiator="${/initiator="([^"]*)"/.exec(offer)[1]}" responder="${this.jid}" `;
    this.jingle('session-accept', inside(description + transport(print)), () => this.activate(), who);
    this.jingle('transport-info', inside(transport(CANDIDATE)));
    this.jingle('transport-info', inside(transport('<gathering-complete/>')));
  }

  activate() {
    this.jingle('session-info', '<active xmlns="urn:xmpp:jingle:apps:rtp:info:1"/>', () => this.ended());
  }

  // A call is active: hang it up, and make the next one or leave.
  ended() {
    this.jingle('session-terminate', '<reason><success/></reason>');
    if (this.calls < Number(CALLS)) {
      this.call();
    } else {
      this.socket.send(`<close xmlns="${FRAMING}"/>`);
    }
  }

  jingle(action, inner, then, who = '') {
    const content = `<jingle xmlns="${JINGLE}" action="${action}" ${who}sid="${this.sid}">${inner}</jingle>`;
    this.ask('set', content, then, ` to="${this.peer}" from="${this.jid}"`);
  }
}

function attribute(text, name) {
  const found = new RegExp(` ${name}="([^"]*)"`).exec(text);
  return found ? found[1] : '';
}
