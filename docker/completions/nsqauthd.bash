# Completions of nsqauthd for bash. Generated from docs/flags.md.

_nsqauthd() {
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
        data-file) compopt -o filenames; COMPREPLY=($(compgen -f -- "$word")); return ;;
        http-address | log-prefix | ttl) return ;;
    esac
    COMPREPLY=($(compgen -W '--anchor --check --data-file= --http-address= --log-level= --log-prefix= --ttl= --version' -- "$word"))
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _nsqauthd nsqauthd
