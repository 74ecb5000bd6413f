# Completions of nsq_tail for fish. Generated from docs/flags.md.

complete -c nsq_tail -f
complete -c nsq_tail -l channel -x -d 'NSQ channel'
complete -c nsq_tail -l consumer-opt -x -d 'option to passthrough to nsq.Consumer (may be given multiple times, http://godoc.org/github.com/nsqio/go-nsq#Config)'
complete -c nsq_tail -l lookupd-http-address -x -d 'lookupd HTTP address (may be given multiple times)'
complete -c nsq_tail -l max-in-flight -x -d 'max number of messages to allow in flight'
complete -c nsq_tail -l n -x -d 'total messages to show (will wait if starved)'
complete -c nsq_tail -l nsqd-tcp-address -x -d 'nsqd TCP address (may be given multiple times)'
complete -c nsq_tail -l print-topic -d 'print topic name where message was received'
complete -c nsq_tail -l topic -x -d 'NSQ topic (may be given multiple times)'
complete -c nsq_tail -l version -d 'print version string'
