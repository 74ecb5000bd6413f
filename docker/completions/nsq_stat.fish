# Completions of nsq_stat for fish. Generated from docs/flags.md.

complete -c nsq_stat -f
complete -c nsq_stat -l channel -x -d 'NSQ channel'
complete -c nsq_stat -l count -x -d 'number of reports'
complete -c nsq_stat -l http-client-connect-timeout -x -d 'timeout for HTTP connect'
complete -c nsq_stat -l http-client-request-timeout -x -d 'timeout for HTTP request'
complete -c nsq_stat -l interval -x -d 'duration of time between polling/printing output'
complete -c nsq_stat -l lookupd-http-address -x -d 'lookupd HTTP address (may be given multiple times)'
complete -c nsq_stat -l nsqd-http-address -x -d 'nsqd HTTP address (may be given multiple times)'
complete -c nsq_stat -l topic -x -d 'NSQ topic'
complete -c nsq_stat -l version -d 'print version'
complete -c nsq_stat -l watch -d 'show a table by node, with rates, that is kept up to date'
