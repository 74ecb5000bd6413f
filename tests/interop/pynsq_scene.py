"""The scene of README.md with pynsq."""

import asyncio
import sys

import nsq

HOST, PORT, TOPIC, CHANNEL = sys.argv[1:5]
ADDRESS = f"{HOST}:{PORT}"
EXPECTED = {"finish", "requeue", "touch", "multi-1", "multi-2", "deferred"}


async def publish(writer):
    """Publishes everything, each publication after the answer to the one before."""
    loop = asyncio.get_running_loop()

    async def answered(method, *arguments):
        answer = loop.create_future()
        method(*arguments, callback=lambda conn, data: answer.done() or answer.set_result(data))
        data = await answer
        if data != b"OK":
            raise SystemExit(f"publishing failed: {data!r}")

    while not writer.conns or not all(conn.state == "CONNECTED" for conn in writer.conns.values()):
        await asyncio.sleep(0.01)
    for body in (b"finish", b"requeue", b"touch"):
        await answered(writer.pub, TOPIC, body)
    await answered(writer.mpub, TOPIC, [b"multi-1", b"multi-2"])
    await answered(writer.dpub, TOPIC, 300, b"deferred")


async def main():
    finished = set()
    done = asyncio.Event()

    def finish(message):
        message.finish()
        body = message.body.decode()
        print("finished", body, message.attempts, flush=True)
        finished.add(body)
        if finished == EXPECTED:
            done.set()

    async def hold(message):
        for _ in range(3):
            await asyncio.sleep(0.8)
            message.touch()
        finish(message)

    def handle(message):
        message.enable_async()
        if message.body == b"touch":
            asyncio.ensure_future(hold(message))
        elif message.body == b"requeue" and message.attempts == 1:
            message.requeue(backoff=False, delay=0)
        else:
            finish(message)

    reader = nsq.Reader(
        message_handler=handle, topic=TOPIC, channel=CHANNEL, nsqd_tcp_addresses=[ADDRESS], max_in_flight=6
    )
    await publish(nsq.Writer([ADDRESS]))
    await asyncio.wait_for(done.wait(), 30)
    # The last answers leave with the close, which waits for them.
    reader.close()
    await asyncio.sleep(0.2)


asyncio.run(main())
