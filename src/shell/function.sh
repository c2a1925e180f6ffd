# Makes `docker clearml-migrate` work: docker allows no hyphen in the name of a plugin, so the plugin is called `clearml`.
# For bash and zsh. Everything else goes to docker unchanged; a `docker` function of your own is left alone.
if ! typeset -f docker >/dev/null; then
function docker {
    local left=$# word state=options
    # Each word is taken off the front and put back at the end, so that after one round the order is the same again.
    while [ "$left" -gt 0 ]; do
        word=$1
        shift
        left=$((left - 1))
        case $state in
            value) state=options ;;
            options)
                case $word in
                    clearml-migrate)
                        set -- "$@" clearml
                        word=migrate
                        state=rest
                        ;;
                    -c | -H | -l | -D[cHl] | --context | --host | --log-level) state=value ;;
                    --config | --tlscacert | --tlscert | --tlskey) state=value ;;
                    -* | help) ;;
                    *) state=rest ;;
                esac
                ;;
        esac
        set -- "$@" "$word"
    done
    command docker "$@"
}
fi
