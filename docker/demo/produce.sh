#!/bin/sh
# Publishes a numbered message a second to one of several nsqds in turn, and to the next one if that fails.
#
#     produce.sh <topic> <nsqd host:port>...
set -eu

topic=$1
shift
number=0
while true; do
  number=$((number + 1))
  published=no
  for _ in "$@"; do
    nsqd=$1
    shift
    set -- "$@" "$nsqd"
    if wget -q -O /dev/null --post-data "message $number" "http://$nsqd/pub?topic=$topic"; then
      published=yes
      break
    fi
  done
  [ $published = yes ] || echo "message $number: no nsqd takes it" >&2
  sleep 1
done
