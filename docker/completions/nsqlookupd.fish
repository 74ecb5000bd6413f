# Completions of nsqlookupd for fish. Generated from docs/flags.md.

complete -c nsqlookupd -f
complete -c nsqlookupd -l broadcast-address -x -d 'address of this nsqlookupd that is told to nsqds'
complete -c nsqlookupd -l config -r -F -d 'path to a TOML configuration file'
complete -c nsqlookupd -l http-address -x -d '<addr>:<port> to listen on for HTTP clients'
complete -c nsqlookupd -l inactive-producer-timeout -x -d 'time after its last ping for which a producer is still listed'
complete -c nsqlookupd -l log-level -x -a 'debug info warn error fatal' -d 'least serious kind of log line: debug, info, warn, error or fatal'
complete -c nsqlookupd -l log-prefix -x -d 'text before each log line'
complete -c nsqlookupd -l tcp-address -x -d '<addr>:<port> to listen on for nsqds'
complete -c nsqlookupd -l tombstone-lifetime -x -d 'time for which a tombstoned producer is left out of lookups of the topic'
complete -c nsqlookupd -l verbose -d 'accepted for compatibility, no effect'
complete -c nsqlookupd -l version -d 'print the version'
