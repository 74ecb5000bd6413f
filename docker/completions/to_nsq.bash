# Completions of to_nsq for bash. Generated from docs/flags.md.

_to_nsq() {
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
        nsqd-tcp-address | producer-opt | rate | topic) return ;;
    esac
    COMPREPLY=($(compgen -W '--nsqd-tcp-address= --producer-opt= --rate= --topic= --version' -- "$word"))
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _to_nsq to_nsq
