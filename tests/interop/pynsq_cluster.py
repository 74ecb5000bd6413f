"""The consumer of README.md's cluster with pynsq."""

import ssl
import sys

import nsq

LOOKUPDS, TOPIC, CHANNEL, COMPRESSION, SECRET, CA = sys.argv[1:7]


def handle(message):
    print("finished", message.body.decode(), flush=True)
    return True


nsq.Reader(
    message_handler=handle,
    topic=TOPIC,
    channel=CHANNEL,
    lookupd_http_addresses=LOOKUPDS.split(","),
    lookupd_poll_interval=1,
    max_in_flight=9,
    tls_v1=True,
    tls_options={"ca_certs": CA, "cert_reqs": ssl.CERT_REQUIRED},
    snappy=COMPRESSION == "snappy",
    deflate=COMPRESSION == "deflate",
    auth_secret=SECRET,
)
nsq.run()
