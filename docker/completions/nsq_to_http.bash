# Completions of nsq_to_http for bash. Generated from docs/flags.md.

_nsq_to_http() {
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
        channel | consumer-opt | content-type | get | header | http-client-connect-timeout | http-client-request-timeout | lookupd-http-address | max-in-flight | mode | n | nsqd-tcp-address | post | sample | status-every | topic) return ;;
    esac
    COMPREPLY=($(compgen -W '--channel= --consumer-opt= --content-type= --get= --header= --http-client-connect-timeout= --http-client-request-timeout= --lookupd-http-address= --max-in-flight= --mode= --n= --nsqd-tcp-address= --post= --sample= --status-every= --topic= --version' -- "$word"))
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _nsq_to_http nsq_to_http
