# Completions of to_nsq for fish. Generated from docs/flags.md.

complete -c to_nsq -f
complete -c to_nsq -l nsqd-tcp-address -x -d 'destination nsqd TCP address (may be given multiple times)'
complete -c to_nsq -l producer-opt -x -d 'option to passthrough to nsq.Producer (may be given multiple times, http://godoc.org/github.com/nsqio/go-nsq#Config)'
complete -c to_nsq -l rate -x -d 'Throttle messages to n/second. 0 to disable'
complete -c to_nsq -l topic -x -d 'NSQ topic to publish to'
complete -c to_nsq -l version -d 'print version string'
