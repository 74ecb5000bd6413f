# Completions of nsq_to_file for bash. Generated from docs/flags.md.

_nsq_to_file() {
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
        output-dir | work-dir) compopt -o filenames; COMPREPLY=($(compgen -f -- "$word")); return ;;
        channel | consumer-opt | datetime-format | filename-format | gzip-level | host-identifier | http-client-connect-timeout | http-client-request-timeout | log-level | log-prefix | lookupd-http-address | max-in-flight | nsqd-tcp-address | rotate-interval | rotate-size | sync-interval | topic | topic-pattern | topic-refresh) return ;;
    esac
    COMPREPLY=($(compgen -W '--channel= --consumer-opt= --datetime-format= --filename-format= --gzip --gzip-level= --host-identifier= --http-client-connect-timeout= --http-client-request-timeout= --log-level= --log-prefix= --lookupd-http-address= --max-in-flight= --nsqd-tcp-address= --output-dir= --rotate-interval= --rotate-size= --skip-empty-files --sync-interval= --topic= --topic-pattern= --topic-refresh= --version --work-dir=' -- "$word"))
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _nsq_to_file nsq_to_file
