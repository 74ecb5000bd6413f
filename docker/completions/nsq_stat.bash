# Completions of nsq_stat for bash. Generated from docs/flags.md.

_nsq_stat() {
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
        channel | count | http-client-connect-timeout | http-client-request-timeout | interval | lookupd-http-address | nsqd-http-address | topic) return ;;
    esac
    COMPREPLY=($(compgen -W '--channel= --count= --http-client-connect-timeout= --http-client-request-timeout= --interval= --lookupd-http-address= --nsqd-http-address= --topic= --version --watch' -- "$word"))
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _nsq_stat nsq_stat
