# Completions of nsqadmin for bash. Generated from docs/flags.md.

_nsqadmin() {
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
        log-level) COMPREPLY=($(compgen -W 'debug info warn error fatal' -- "$word")); return ;;
        publish-access) COMPREPLY=($(compgen -W 'admin all off' -- "$word")); return ;;
        tail-access) COMPREPLY=($(compgen -W 'admin all off' -- "$word")); return ;;
        config | dev-static-dir | http-client-tls-cert | http-client-tls-key | http-client-tls-root-ca-file | nsqd-auth-secret-file | nsqd-tls-cert | nsqd-tls-key | nsqd-tls-root-ca-file) compopt -o filenames; COMPREPLY=($(compgen -f -- "$word")); return ;;
        acl-http-header | admin-user | allow-config-from-cidr | base-path | external-link | frame-ancestors | graphite-url | http-address | http-client-connect-timeout | http-client-request-timeout | log-prefix | lookupd-http-address | notification-http-endpoint | nsqd-http-address | stats-interval | stats-memory | statsd-counter-format | statsd-gauge-format | statsd-interval | statsd-prefix | tail-max-sessions) return ;;
    esac
    COMPREPLY=($(compgen -W '--acl-http-header= --admin-user= --allow-config-from-cidr= --base-path= --config= --dev-static-dir= --external-link= --frame-ancestors= --graphite-url= --http-address= --http-client-connect-timeout= --http-client-request-timeout= --http-client-tls-cert= --http-client-tls-insecure-skip-verify --http-client-tls-key= --http-client-tls-root-ca-file= --log-level= --log-prefix= --lookupd-http-address= --notification-http-endpoint= --nsqd-auth-secret-file= --nsqd-http-address= --nsqd-tls --nsqd-tls-cert= --nsqd-tls-insecure-skip-verify --nsqd-tls-key= --nsqd-tls-root-ca-file= --proxy-graphite --publish-access= --stats-interval= --stats-memory= --statsd-counter-format= --statsd-gauge-format= --statsd-interval= --statsd-prefix= --tail-access= --tail-max-sessions= --verbose --version' -- "$word"))
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _nsqadmin nsqadmin
