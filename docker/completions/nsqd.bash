# Completions of nsqd for bash. Generated from docs/flags.md.

_nsqd() {
    local word=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD - 1]}
    # What stands before and behind `=` are words of their own, and so is it.
    if [[ $word == = ]]; then
        word=
    elif [[ $flag == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    COMPREPLY=()
    flag=${flag#-}
    case ${flag#-} in
        auth-http-request-method) COMPREPLY=($(compgen -W 'get post' -- "$word")); return ;;
        log-level) COMPREPLY=($(compgen -W 'debug info warn error fatal' -- "$word")); return ;;
        tls-min-version) COMPREPLY=($(compgen -W 'tls1.0 tls1.1 tls1.2 tls1.3' -- "$word")); return ;;
        config | data-path | max-bytes-per-file | tls-cert | tls-key | tls-root-ca-file) compopt -o filenames; COMPREPLY=($(compgen -f -- "$word")); return ;;
        auth-http-address | broadcast-address | broadcast-http-port | broadcast-tcp-port | durability | e2e-processing-latency-percentile | e2e-processing-latency-window-time | enable-experiment | http-address | http-client-connect-timeout | http-client-request-timeout | https-address | log-prefix | lookupd-tcp-address | max-body-size | max-channel-consumers | max-deflate-level | max-heartbeat-interval | max-msg-size | max-msg-timeout | max-output-buffer-size | max-output-buffer-timeout | max-rdy-count | max-req-timeout | mem-queue-size | min-free-disk-space | min-output-buffer-timeout | msg-timeout | node-id | output-buffer-timeout | queue-scan-selection-count | queue-scan-worker-pool-max | statsd-address | statsd-interval | statsd-prefix | statsd-udp-packet-size | sync-every | sync-timeout | tcp-address | tls-client-auth-policy | topology-region | topology-zone) return ;;
    esac
    COMPREPLY=($(compgen -W '--auth-http-address= --auth-http-request-method= --broadcast-address= --broadcast-http-port= --broadcast-tcp-port= --config= --data-path= --deflate --durability= --e2e-processing-latency-percentile= --e2e-processing-latency-window-time= --enable-experiment= --http-address= --http-client-connect-timeout= --http-client-request-timeout= --https-address= --keep-deferred --log-level= --log-prefix= --lookupd-tcp-address= --max-body-size= --max-bytes-per-file= --max-channel-consumers= --max-deflate-level= --max-heartbeat-interval= --max-msg-size= --max-msg-timeout= --max-output-buffer-size= --max-output-buffer-timeout= --max-rdy-count= --max-req-timeout= --mem-queue-size= --min-free-disk-space= --min-output-buffer-timeout= --msg-timeout= --node-id= --output-buffer-timeout= --queue-scan-selection-count= --queue-scan-worker-pool-max= --requeue-on-disconnect --snappy --statsd-address= --statsd-exclude-ephemeral --statsd-interval= --statsd-mem-stats --statsd-prefix= --statsd-udp-packet-size= --sync-every= --sync-timeout= --tcp-address= --tls-cert= --tls-client-auth-policy= --tls-key= --tls-min-version= --tls-required --tls-root-ca-file= --topology-region= --topology-zone= --verbose --version --worker-id' -- "$word"))
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _nsqd nsqd
