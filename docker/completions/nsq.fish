# Completions of nsq for fish. Generated from docs/flags.md.

complete -c nsq -f
complete -c nsq -l broadcast-address -x -d 'address at which consumers find nsqd; without it the address listened on, or the host name if that is every interface'
complete -c nsq -l data-path -r -F -d 'directory for the files of nsqd, made if there is none'
complete -c nsq -l listen-address -x -d 'host name or IP address that all of them listen on; 0.0.0.0 for every interface'
complete -c nsq -l log-level -x -a 'debug info warn error fatal' -d 'least serious kind of log line: debug, info, warn, error or fatal'
complete -c nsq -l nsqadmin-http-port -x -d 'port of nsqadmin, for a browser; 0 for any that is free'
complete -c nsq -l nsqd-http-port -x -d 'port of nsqd for HTTP; 0 for any that is free'
complete -c nsq -l nsqd-tcp-port -x -d 'port of nsqd for clients; 0 for any that is free'
complete -c nsq -l nsqlookupd-http-port -x -d 'port of nsqlookupd for HTTP; 0 for any that is free'
complete -c nsq -l nsqlookupd-tcp-port -x -d 'port of nsqlookupd for nsqds; 0 for any that is free'
complete -c nsq -l version -d 'print the version'
