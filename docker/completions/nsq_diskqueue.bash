# Completions of nsq_diskqueue for bash. Generated from docs/flags.md.

_nsq_diskqueue() {
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
        data-path) compopt -o filenames; COMPREPLY=($(compgen -f -- "$word")); return ;;
        channel | format | max-msg-size | output | topic) return ;;
    esac
    COMPREPLY=($(compgen -W '--channel= --data-path= --format= --live --max-msg-size= --output= --topic= --version' -- "$word"))
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _nsq_diskqueue nsq_diskqueue
