// The scene of README.md with nsqjs.

const nsq = require('nsqjs');

const [host, port, topic, channel] = process.argv.slice(2);
const expected = new Set(['finish', 'requeue', 'touch', 'multi-1', 'multi-2', 'deferred']);

const fail = (reason) => {
  console.error(reason);
  process.exit(1);
};
setTimeout(() => fail('not everything was finished in time'), 30000);

const reader = new nsq.Reader(topic, channel, {
  nsqdTCPAddresses: [`${host}:${port}`],
  maxInFlight: 6,
});
reader.on('error', fail);

const finish = (message) => {
  message.finish();
  const body = message.body.toString();
  console.log('finished', body, message.attempts);
  expected.delete(body);
  if (expected.size === 0) {
    // The last answer is written before the connection is closed.
    setTimeout(() => process.exit(0), 200);
  }
};

const hold = (message, touches) => {
  if (touches === 0) {
    finish(message);
    return;
  }
  setTimeout(() => {
    message.touch();
    hold(message, touches - 1);
  }, 800);
};

reader.on('message', (message) => {
  const body = message.body.toString();
  if (body === 'touch') {
    hold(message, 3);
  } else if (body === 'requeue' && message.attempts === 1) {
    message.requeue(100, false);
  } else {
    finish(message);
  }
});
reader.connect();

const writer = new nsq.Writer(host, Number(port));
writer.on('error', fail);
writer.on('ready', () => {
  const publications = [
    (next) => writer.publish(topic, 'finish', next),
    (next) => writer.publish(topic, 'requeue', next),
    (next) => writer.publish(topic, 'touch', next),
    (next) => writer.publish(topic, ['multi-1', 'multi-2'], next),
    // Here, unlike for publish, the client takes a list alone.
    (next) => writer.deferPublish(topic, ['deferred'], 300, next),
  ];
  const step = (error) => {
    if (error) {
      fail(error);
    } else if (publications.length > 0) {
      publications.shift()(step);
    }
  };
  step();
});
writer.connect();
