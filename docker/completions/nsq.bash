# Completions of nsq for bash. Generated from docs/flags.md.

_nsq() {
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
        data-path) compopt -o filenames; COMPREPLY=($(compgen -f -- "$word")); return ;;
        broadcast-address | listen-address | nsqadmin-http-port | nsqd-http-port | nsqd-tcp-port | nsqlookupd-http-port | nsqlookupd-tcp-port) return ;;
    esac
    COMPREPLY=($(compgen -W '--broadcast-address= --data-path= --listen-address= --log-level= --nsqadmin-http-port= --nsqd-http-port= --nsqd-tcp-port= --nsqlookupd-http-port= --nsqlookupd-tcp-port= --version' -- "$word"))
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _nsq nsq
