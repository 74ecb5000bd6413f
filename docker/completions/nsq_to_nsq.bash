# Completions of nsq_to_nsq for bash. Generated from docs/flags.md.

_nsq_to_nsq() {
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
        channel | consumer-opt | destination-nsqd-tcp-address | destination-topic | lookupd-http-address | max-in-flight | mode | nsqd-tcp-address | producer-opt | require-json-field | require-json-value | status-every | topic | whitelist-json-field) return ;;
    esac
    COMPREPLY=($(compgen -W '--channel= --consumer-opt= --destination-nsqd-tcp-address= --destination-topic= --lookupd-http-address= --max-in-flight= --mode= --nsqd-tcp-address= --producer-opt= --require-json-field= --require-json-value= --status-every= --topic= --version --whitelist-json-field=' -- "$word"))
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _nsq_to_nsq nsq_to_nsq
