"""The scene of README.md with gnsq."""

import sys

import gevent
import gevent.event
import gnsq

HOST, PORT, TOPIC, CHANNEL = sys.argv[1:5]
ADDRESS = f"{HOST}:{PORT}"
EXPECTED = {"finish", "requeue", "touch", "multi-1", "multi-2", "deferred"}

finished = set()
done = gevent.event.Event()
consumer = gnsq.Consumer(TOPIC, CHANNEL, nsqd_tcp_addresses=[ADDRESS], max_in_flight=6)


def finish(message):
    message.finish()
    body = message.body.decode()
    print("finished", body, message.attempts, flush=True)
    finished.add(body)
    if finished == EXPECTED:
        done.set()


def hold(message):
    for _ in range(3):
        gevent.sleep(0.8)
        message.touch()
    finish(message)


@consumer.on_message.connect
def handle(_consumer, message):
    message.enable_async()
    if message.body == b"touch":
        gevent.spawn(hold, message)
    elif message.body == b"requeue" and message.attempts == 1:
        message.requeue(100, backoff=False)
    else:
        finish(message)


consumer.start(block=False)
producer = gnsq.Producer(ADDRESS)
producer.start()
for body in (b"finish", b"requeue", b"touch"):
    producer.publish(TOPIC, body)
producer.multipublish(TOPIC, [b"multi-1", b"multi-2"])
producer.publish(TOPIC, b"deferred", defer=300)
if not done.wait(30):
    raise SystemExit(f"only {sorted(finished)} were finished")
producer.close()
producer.join()
consumer.close()
consumer.join(5)
