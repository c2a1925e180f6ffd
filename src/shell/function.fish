# Makes `docker clearml-migrate` work: docker allows no hyphen in the name of a plugin, so the plugin is called `clearml`.
# Everything else goes to docker unchanged; a `docker` function of your own is left alone.
if not functions --query docker
    function docker --description 'docker, with clearml-migrate'
        set -l words
        set -l state options
        for word in $argv
            switch $state
                case value
                    set state options
                case options
                    switch $word
                        case clearml-migrate
                            set -a words clearml
                            set word migrate
                            set state rest
                        case -c -H -l --context --host --log-level
                            set state value
                        case -Dc -DH -Dl --config --tlscacert --tlscert --tlskey
                            set state value
                        case '-*' help
                        case '*'
                            set state rest
                    end
            end
            set -a words $word
        end
        command docker $words
    end
end
