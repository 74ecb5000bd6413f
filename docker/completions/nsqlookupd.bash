# Completions of nsqlookupd for bash. Generated from docs/flags.md.

_nsqlookupd() {
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
        config) compopt -o filenames; COMPREPLY=($(compgen -f -- "$word")); return ;;
        broadcast-address | http-address | inactive-producer-timeout | log-prefix | tcp-address | tombstone-lifetime) return ;;
    esac
    COMPREPLY=($(compgen -W '--broadcast-address= --config= --http-address= --inactive-producer-timeout= --log-level= --log-prefix= --tcp-address= --tombstone-lifetime= --verbose --version' -- "$word"))
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _nsqlookupd nsqlookupd
