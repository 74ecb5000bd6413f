# Completions of nsq_to_nsq for fish. Generated from docs/flags.md.

complete -c nsq_to_nsq -f
complete -c nsq_to_nsq -l channel -x -d 'nsq channel'
complete -c nsq_to_nsq -l consumer-opt -x -d 'option to passthrough to nsq.Consumer (may be given multiple times, see http://godoc.org/github.com/nsqio/go-nsq#Config)'
complete -c nsq_to_nsq -l destination-nsqd-tcp-address -x -d 'destination nsqd TCP address (may be given multiple times)'
complete -c nsq_to_nsq -l destination-topic -x -d 'use this destination topic for all consumed topics (default is consumed topic name)'
complete -c nsq_to_nsq -l lookupd-http-address -x -d 'lookupd HTTP address (may be given multiple times)'
complete -c nsq_to_nsq -l max-in-flight -x -d 'max number of messages to allow in flight'
complete -c nsq_to_nsq -l mode -x -d 'the upstream request mode options: round-robin, hostpool (default), epsilon-greedy'
complete -c nsq_to_nsq -l nsqd-tcp-address -x -d 'nsqd TCP address (may be given multiple times)'
complete -c nsq_to_nsq -l producer-opt -x -d 'option to passthrough to nsq.Producer (may be given multiple times, see http://godoc.org/github.com/nsqio/go-nsq#Config)'
complete -c nsq_to_nsq -l require-json-field -x -d 'for JSON messages: only pass messages that contain this field'
complete -c nsq_to_nsq -l require-json-value -x -d 'for JSON messages: only pass messages in which the required field has this value'
complete -c nsq_to_nsq -l status-every -x -d 'the # of requests between logging status (per destination), 0 disables'
complete -c nsq_to_nsq -l topic -x -d 'nsq topic (may be given multiple times)'
complete -c nsq_to_nsq -l version -d 'print version string'
complete -c nsq_to_nsq -l whitelist-json-field -x -d 'for JSON messages: pass this field (may be given multiple times)'
