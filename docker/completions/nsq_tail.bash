# Completions of nsq_tail for bash. Generated from docs/flags.md.

_nsq_tail() {
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
        channel | consumer-opt | lookupd-http-address | max-in-flight | n | nsqd-tcp-address | topic) return ;;
    esac
    COMPREPLY=($(compgen -W '--channel= --consumer-opt= --lookupd-http-address= --max-in-flight= --n= --nsqd-tcp-address= --print-topic --topic= --version' -- "$word"))
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _nsq_tail nsq_tail
