"""The scene of README.md with ansq."""

import asyncio
import sys

import ansq

HOST, PORT, TOPIC, CHANNEL = sys.argv[1:5]
EXPECTED = {"finish", "requeue", "touch", "multi-1", "multi-2", "deferred"}


async def publish(writer):
    for published in (
        await writer.pub(TOPIC, "finish"),
        await writer.pub(TOPIC, "requeue"),
        await writer.pub(TOPIC, "touch"),
        await writer.mpub(TOPIC, "multi-1", "multi-2"),
        await writer.dpub(TOPIC, "deferred", 300),
    ):
        if not published.is_ok:
            raise SystemExit(f"publishing failed: {published!r}")


async def handle(message):
    """Gives the body of a message that is finished."""
    body = message.body.decode()
    if body == "requeue" and message.attempts == 1:
        await message.req(0)
        return None
    if body == "touch":
        for _ in range(3):
            await asyncio.sleep(0.8)
            await message.touch()
    await message.fin()
    print("finished", body, message.attempts, flush=True)
    return body


async def consume(connection):
    handled, finished = set(), set()
    async for message in connection.messages():
        handled.add(asyncio.create_task(handle(message)))
        # All six, and the one that comes again.
        if len(handled) == len(EXPECTED) + 1:
            break
    finished = set(await asyncio.gather(*handled)) - {None}
    if finished != EXPECTED:
        raise SystemExit(f"only {sorted(finished)} were finished")


async def main():
    connection = await ansq.open_connection(HOST, int(PORT))
    await connection.subscribe(TOPIC, CHANNEL, len(EXPECTED))
    writer = await ansq.create_writer(nsqd_tcp_addresses=[f"{HOST}:{PORT}"])
    await publish(writer)
    await asyncio.wait_for(consume(connection), 30)
    await writer.close()
    await connection.close()


asyncio.run(main())
