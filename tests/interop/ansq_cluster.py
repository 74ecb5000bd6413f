"""The consumer of README.md's cluster with ansq, which has neither TLS nor compression nor a secret for its readers."""

import asyncio
import sys

import ansq

LOOKUPDS, TOPIC, CHANNEL = sys.argv[1:4]


async def main():
    reader = await ansq.create_reader(
        topic=TOPIC, channel=CHANNEL, lookupd_http_addresses=LOOKUPDS.split(","), lookupd_poll_interval=1000
    )
    async for message in reader.messages():
        await message.fin()
        print("finished", message.body.decode(), flush=True)


asyncio.run(main())
