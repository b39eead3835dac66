// The token of all users of a run of k6: `export { setup } from './k6_token.js'` in a script.
import encoding from 'k6/encoding';
import http from 'k6/http';

export function setup() {
  const answer = http.post(`${__ENV.EDGE}/oauth/token`, 'grant_type=client_credentials', {
    headers: {
      Authorization: `Basic ${encoding.b64encode('locust-softphone:simulated')}`,
      'Content-Type': 'application/x-www-form-urlencoded',
    },
  });
  return answer.json('access_token');
}
