// The consumer of README.md's cluster with nsqjs.

const fs = require('fs');
const nsq = require('nsqjs');

const [lookupds, topic, channel, compression, secret, ca] = process.argv.slice(2);

const reader = new nsq.Reader(topic, channel, {
  lookupdHTTPAddresses: lookupds.split(','),
  lookupdPollInterval: 1,
  lookupdPollJitter: 0.1,
  maxInFlight: 9,
  tls: true,
  ca: fs.readFileSync(ca),
  snappy: compression === 'snappy',
  deflate: compression === 'deflate',
  authSecret: secret,
});
// A connection that ends, as one does when its nsqd is restarted, is looked up again.
reader.on('error', (error) => console.error(error.message));
reader.on('message', (message) => {
  console.log('finished', message.body.toString());
  message.finish();
});
reader.connect();
