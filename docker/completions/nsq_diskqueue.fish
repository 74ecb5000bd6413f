# Completions of nsq_diskqueue for fish. Generated from docs/flags.md.

complete -c nsq_diskqueue -f
complete -c nsq_diskqueue -l channel -x -d 'look at this channel of the topic only'
complete -c nsq_diskqueue -l data-path -r -F -d 'path of the directory of an nsqd'
complete -c nsq_diskqueue -l format -x -d 'what export prints: lines (bodies), json (a line per message), raw (bodies, each behind its size in 4 bytes)'
complete -c nsq_diskqueue -l live -d 'look even while an nsqd uses the directory; what is found may be moving'
complete -c nsq_diskqueue -l max-msg-size -x -d '--max-msg-size of the nsqd, which helps telling messages from damage'
complete -c nsq_diskqueue -l output -x -d 'new directory for salvage'
complete -c nsq_diskqueue -l topic -x -d 'look at this topic only'
complete -c nsq_diskqueue -l version -d 'print version'
