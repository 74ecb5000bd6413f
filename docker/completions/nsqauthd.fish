# Completions of nsqauthd for fish. Generated from docs/flags.md.

complete -c nsqauthd -f
complete -c nsqauthd -l anchor -d 'let the patterns of a CSV file match whole names only, as those of TOML always do'
complete -c nsqauthd -l check -d 'read the data file, say what is in it or what is wrong with it, and end'
complete -c nsqauthd -l data-file -r -F -d 'file that says who may do what: TOML if its name ends in .toml, else CSV'
complete -c nsqauthd -l http-address -x -d '<addr>:<port> to listen on for nsqds, or the path of a unix socket'
complete -c nsqauthd -l log-level -x -a 'debug info warn error fatal' -d 'least serious kind of log line: debug, info, warn, error or fatal'
complete -c nsqauthd -l log-prefix -x -d 'text before each log line'
complete -c nsqauthd -l ttl -x -d 'seconds after which nsqd asks again about a client'
complete -c nsqauthd -l version -d 'print the version'
