#!/bin/sh
# Installs docker clearml-migrate: the plugin `docker-clearml`, the command `docker-clearml-migrate`, and a shell function for the
# name with the hyphen. `install.sh --help` tells more. Everything is in functions, so that half a download does nothing.
set -eu

NAME='docker-clearml-migrate'
PLUGIN='docker-clearml'
BEGIN='# >>> docker clearml-migrate >>>'
END='# <<< docker clearml-migrate <<<'

usage() {
    cat <<'TEXT'
Usage: ./install.sh [OPTIONS]

From a clone this builds the program with cargo; from an unpacked release it takes the program beside it.

  --user             install for this user (the default, unless you are root)
  --system           install for everyone (the default for root)
  --release SOURCE   install from a release archive: a file or an address, with SOURCE.sha256 beside it
  --no-shell         leave the start-up files of your shells alone
  --docker-shim      also put a `docker` script earlier on PATH, so that `docker clearml-migrate` works under sudo and in
                     scripts; it hands everything else to the real docker
  --demo             then migrate a sample server in a temporary directory
  --uninstall        remove what this script installed, and nothing else
  -h, --help         this text

Environment: PLUGIN_DIR, BIN_DIR, SHIM_DIR (directories to use instead of the usual ones)
TEXT
}

say() { printf '%s\n' "$*"; }
note() { printf 'Note: %s\n' "$*"; }
fail() {
    printf 'Error: %s\n' "$1" >&2
    shift
    for hint in "$@"; do printf 'Hint: %s\n' "$hint" >&2; done
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

parse() {
    scope='' release='' shell=yes shim=no demo=no action=install
    while [ $# -gt 0 ]; do
        case $1 in
            --user) scope=user ;;
            --system) scope=system ;;
            --release)
                [ $# -gt 1 ] || fail '--release needs a file or an address.'
                release=$2
                shift
                ;;
            --no-shell) shell=no ;;
            --docker-shim) shim=yes ;;
            --demo) demo=yes ;;
            --uninstall) action=uninstall ;;
            -h | --help)
                usage
                exit 0
                ;;
            *)
                printf 'Error: unknown option %s\n\n' "$1" >&2
                usage >&2
                exit 2
                ;;
        esac
        shift
    done
}

# --- where things go -------------------------------------------------------------------------------------------------------

choose_directories() {
    if [ -z "$scope" ]; then
        if [ "$(id -u)" = 0 ]; then scope=system; else scope=user; fi
    fi
    if [ "$scope" = system ]; then
        plugin_dir=${PLUGIN_DIR:-/usr/local/lib/docker/cli-plugins}
        bin_dir=${BIN_DIR:-/usr/local/bin}
        shim_dir=${SHIM_DIR:-/usr/local/sbin}
        record_dir=/usr/local/share/clearml-migrate
    else
        [ -n "${HOME:-}" ] || fail 'HOME is not set.' 'Set it, or install for everyone: --system'
        plugin_dir=${PLUGIN_DIR:-${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins}
        bin_dir=${BIN_DIR:-$HOME/.local/bin}
        shim_dir=${SHIM_DIR:-$bin_dir}
        record_dir=${XDG_DATA_HOME:-$HOME/.local/share}/clearml-migrate
    fi
    # One line for each thing that this script made: `file PATH`, `block PATH` (between the markers), `dir PATH`.
    record=$record_dir/installed
}

# Makes a directory and notes each one that was not there, deepest first, so that --uninstall can remove it.
make_dir() {
    missing=''
    dir=$1
    while [ ! -d "$dir" ]; do
        missing="dir $dir
$missing"
        dir=$(dirname "$dir")
    done
    [ -n "$missing" ] || return 0
    mkdir -p "$1" || fail "The directory $1 cannot be made." 'Run as root, or install for yourself: --user'
    # Docker of some versions gives up on a plugin directory that it cannot enter.
    printf '%s' "$missing" | while read -r _ dir; do chmod 0755 "$dir"; done
    made="$made$missing"
}

remember() { made="$made$1
"; }

write_record() {
    make_dir "$record_dir"
    remember "file $record"
    { if [ -f "$record" ]; then cat "$record"; fi; printf '%s' "$made"; } | awk 'NF && !seen[$0]++' >"$work/record"
    cp "$work/record" "$record"
}

# Puts a file in its place in one step, so that a running docker never meets half of it.
put() {
    make_dir "$(dirname "$2")"
    if ! { cp "$1" "$2.new.$$" && chmod 0755 "$2.new.$$" && mv -f "$2.new.$$" "$2"; }; then
        rm -f "$2.new.$$"
        fail "$2 cannot be written." 'Run as root, or install for yourself: --user'
    fi
    remember "file $2"
    say "  $2"
}

# --- the program -----------------------------------------------------------------------------------------------------------

get_program() {
    here=$(cd "$(dirname "$0")" && pwd -P)
    if [ -n "$release" ]; then
        from_release "$release"
    elif [ -f "$here/Cargo.toml" ] && grep -q '^name = "clearml-migrate"' "$here/Cargo.toml"; then
        from_clone
    elif [ -x "$here/$NAME" ]; then
        program=$here/$NAME
    else
        fail 'There is no program to install here.' \
            'Run this script in a clone of the project, or name a release archive: --release FILE-OR-ADDRESS'
    fi
    "$program" version >/dev/null || fail "$program does not run on this machine." \
        'It may have been built for another kind of processor; build it from a clone of the project.'
}

from_clone() {
    # rustup puts cargo here and asks for a new shell, which is easily forgotten.
    have cargo || PATH=$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin
    if ! have cargo && [ -x "$here/target/quick/$NAME" ]; then
        say 'cargo was not found; taking the program that was built here before.'
        program=$here/target/quick/$NAME
        return
    fi
    have cargo || fail 'cargo, which builds the program, was not found.' \
        'Install Rust 1.95 or later (https://rustup.rs), then run this script again.' \
        'If only root lacks it: build as yourself with "cargo build --profile quick --locked", then run this script as root.'
    say 'Building (the first time takes a few minutes) ...'
    (cd "$here" && cargo build --profile quick --locked --bin "$NAME") || fail 'The build failed; the reason is above.' \
        'It needs Rust 1.95 or later (rustup update) and a C compiler (apt-get install build-essential).'
    target=$(cd "$here" && cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
    program=$target/quick/$NAME
}

from_release() {
    archive=$work/release.tar.gz
    case $1 in
        http://*) fail 'A program is not fetched over plain http.' 'Use an address that begins with https://' ;;
        https://*)
            fetch "$1" "$archive"
            fetch "$1.sha256" "$archive.sha256"
            ;;
        *)
            [ -f "$1" ] || fail "$1 does not exist."
            [ -f "$1.sha256" ] || fail "$1.sha256 does not exist, so the archive cannot be checked."
            cp "$1" "$archive"
            cp "$1.sha256" "$archive.sha256"
            ;;
    esac
    wanted=$(sed 's/[[:space:]].*//;q' "$archive.sha256")
    found=$(sha256 "$archive")
    [ "$wanted" = "$found" ] || fail "The sha256 of $1 is $found, but should be $wanted." 'Fetch it again.'
    mkdir "$work/unpacked"
    tar -xzf "$archive" -C "$work/unpacked"
    program=$(find "$work/unpacked" -type f -name "$NAME" | head -n 1)
    [ -n "$program" ] || fail "There is no $NAME in $1."
}

fetch() {
    if have curl; then
        curl -fsSL --proto '=https' -o "$2" "$1"
    elif have wget; then
        wget -q -O "$2" "$1"
    else
        fail 'Neither curl nor wget was found.' 'Install one of them, or fetch the archive yourself: --release FILE'
    fi || fail "$1 could not be fetched."
}

sha256() {
    if have sha256sum; then sha256sum "$1"; else shasum -a 256 "$1"; fi | sed 's/[[:space:]].*//'
}

# --- the name with the hyphen ----------------------------------------------------------------------------------------------

install_shell_functions() {
    have bash && add_block "$(rc bash)" "[ -x '$bin_dir/$NAME' ] && eval \"\$('$bin_dir/$NAME' shell-init bash)\""
    have zsh && add_block "$(rc zsh)" "[ -x '$bin_dir/$NAME' ] && eval \"\$('$bin_dir/$NAME' shell-init zsh)\""
    have fish && add_block "$(rc fish)" "test -x '$bin_dir/$NAME'; and '$bin_dir/$NAME' shell-init fish | source"
    return 0
}

# The start-up file of a shell, which interactive shells read.
rc() {
    if [ "$scope" = user ]; then
        case $1 in
            bash) say "$HOME/.bashrc" ;;
            zsh) say "${ZDOTDIR:-$HOME}/.zshrc" ;;
            fish) say "${XDG_CONFIG_HOME:-$HOME/.config}/fish/conf.d/clearml-migrate.fish" ;;
        esac
        return
    fi
    case $1 in
        bash) if [ -f /etc/bashrc ]; then say /etc/bashrc; else say /etc/bash.bashrc; fi ;;
        zsh) if [ -d /etc/zsh ]; then say /etc/zsh/zshrc; else say /etc/zshrc; fi ;;
        fish) say /etc/fish/conf.d/clearml-migrate.fish ;;
    esac
}

add_block() {
    make_dir "$(dirname "$1")"
    # A file that is a link, as in many collections of dotfiles, stays one: its content is replaced, not the file.
    if [ -f "$1" ]; then
        without_block "$1" >"$work/rc"
    else
        : >"$work/rc"
        remember "created $1"
    fi
    printf '%s\n%s\n%s\n' "$BEGIN" "$2" "$END" >>"$work/rc"
    cmp -s "$work/rc" "$1" || cat "$work/rc" >"$1"
    remember "block $1"
    say "  $1 (three lines at its end)"
}

without_block() {
    awk -v begin="$BEGIN" -v end="$END" '$0 == begin { inside = 1 } !inside { print } $0 == end { inside = 0 }' "$1"
}

install_shim() {
    real=$(real_docker)
    [ -n "$real" ] || fail 'There is no docker on PATH that a shim could call.'
    target=$shim_dir/docker
    if [ -e "$target" ] && ! is_shim "$target"; then
        fail "$target is a docker already." 'Name a directory that comes before it on PATH: SHIM_DIR=DIR'
    fi
    first=$(first_on_path "$shim_dir" "$(dirname "$real")")
    [ "$first" = "$shim_dir" ] || fail "$shim_dir does not come before $(dirname "$real") on PATH." \
        'Put it first on PATH, or name a directory that does: SHIM_DIR=DIR'
    "$program" shell-init shim >"$work/shim"
    put "$work/shim" "$target"
}

is_shim() { head -n 3 "$1" 2>/dev/null | grep -q '^# docker shim of clearml-migrate'; }

# Prints the first docker on PATH that is not our shim, if there is one.
real_docker() {
    say "$PATH" | tr ':' '\n' | while read -r dir; do
        if [ -x "$dir/docker" ] && [ ! -d "$dir/docker" ] && ! is_shim "$dir/docker"; then
            say "$dir/docker"
            break
        fi
    done
}

# Prints which of two directories comes first on PATH.
first_on_path() {
    say "$PATH" | tr ':' '\n' | awk -v a="$1" -v b="$2" '$0 == a || $0 == b { print; exit }'
}

# --- does it work? ---------------------------------------------------------------------------------------------------------

check_installation() {
    "$bin_dir/$NAME" version >/dev/null || fail "$bin_dir/$NAME does not run."
    case ":$PATH:" in
        *":$bin_dir:"*) ;;
        *) note "$bin_dir is not on your PATH. Add it, or type the whole path $bin_dir/$NAME." ;;
    esac
    docker=$(real_docker)
    if [ -z "$docker" ]; then
        note 'docker was not found. Install it before you migrate: https://docs.docker.com/engine/install/'
        return 0
    fi
    # Taken apart by the shell functions and the shim, this is what they call.
    if "$docker" clearml version >"$work/version" 2>"$work/why"; then
        say "docker clearml version: $(cat "$work/version")"
        report_shadows
        return 0
    fi
    explain_docker
}

explain_docker() {
    if "$docker" --version 2>/dev/null | grep -qi podman; then
        note "docker is podman here, which has no plugins. Type $NAME instead; the migration was not tested with podman."
        return 0
    fi
    case $(readlink -f "$docker" 2>/dev/null || :) in
        /snap/* | */snap)
            note "docker comes from snap, which looks for plugins in its own directories only. Type $NAME instead." \
                'Directories that snap hides from docker cannot be migrated; the checks tell.'
            return 0
            ;;
    esac
    say 'Docker says about its plugins:'
    "$docker" info --format '{{range .ClientInfo.Plugins}}{{if eq .Name "clearml"}}{{.Path}}: {{.Err}}{{end}}{{end}}' 2>/dev/null |
        sed '/^$/d;s/^/  /' || :
    sed 's/^/  /' "$work/why"
    report_shadows
    fail "docker does not find the plugin that was put into $plugin_dir." \
        "Type $NAME instead, or choose a directory that docker searches: PLUGIN_DIR=DIR ./install.sh"
}

# Docker takes the first file of the name, even a broken one.
report_shadows() {
    for dir in "${DOCKER_CONFIG:-${HOME:-/root}/.docker}/cli-plugins" /usr/local/lib/docker/cli-plugins \
        /usr/local/libexec/docker/cli-plugins /usr/lib/docker/cli-plugins /usr/libexec/docker/cli-plugins; do
        [ "$dir" = "$plugin_dir" ] && return 0
        [ -e "$dir/$PLUGIN" ] && note "$dir/$PLUGIN comes before the one just installed. Remove it if it is old."
    done
    return 0
}

# --- the two actions -------------------------------------------------------------------------------------------------------

install_all() {
    get_program
    say "Installing for ${scope}:"
    put "$program" "$plugin_dir/$PLUGIN"
    # Never into the plugin directory: docker warns about a plugin with a hyphen in every `docker info`.
    put "$program" "$bin_dir/$NAME"
    if [ "$shell" = yes ]; then install_shell_functions; fi
    if [ "$shim" = yes ]; then install_shim; fi
    write_record
    recorded=yes
    check_installation
    say ''
    say 'Next, with the old server still running, see what would be done:'
    if [ "$shell" = yes ]; then
        say '  docker clearml-migrate --dry-run      (in a new shell)'
    fi
    say '  docker clearml migrate --dry-run'
    if [ "$scope" = user ]; then
        note 'Under sudo docker looks for plugins of root. For that, install with --system.'
    fi
    if [ "$demo" = yes ]; then run_demo; fi
}

run_demo() {
    [ -x "$here/tests/testbed/demo.sh" ] || fail 'The demo is part of a clone of the project, and is not here.'
    PATH=$bin_dir:$PATH "$here/tests/testbed/demo.sh"
}

uninstall_all() {
    [ -f "$record" ] || fail "Nothing is installed for $scope: there is no $record." 'Try --user or --system.'
    cp "$record" "$work/record"
    while read -r kind path; do
        case $kind in
            block) remove_block "$path" ;;
            file) remove_file "$path" ;;
        esac
    done <"$work/record"
    # Directories that are not empty hold what is not ours; the deepest first.
    sed -n 's/^dir //p' "$work/record" | awk '{ print length, $0 }' | sort -rn | cut -d ' ' -f 2- | while read -r dir; do
        if rmdir "$dir" 2>/dev/null; then say "  removed $dir"; fi
    done
    say 'Removed. Shells that are open keep the function until they end. Your servers and their data were not touched.'
}

remove_file() {
    [ -e "$1" ] || return 0
    rm -f "$1" || fail "$1 cannot be removed." 'Run as root.'
    say "  removed $1"
}

remove_block() {
    [ -f "$1" ] || return 0
    without_block "$1" >"$work/rc"
    cmp -s "$work/rc" "$1" || cat "$work/rc" >"$1"
    if [ ! -s "$1" ] && grep -qxF "created $1" "$work/record"; then
        remove_file "$1"
    else
        say "  removed three lines from $1"
    fi
}

cleanup() {
    status=$?
    trap - EXIT
    # What was put in place before a failure can be removed again with --uninstall.
    if [ "$action" = install ] && [ "$recorded" = no ] && [ -n "$made" ]; then write_record || :; fi
    rm -rf "$work"
    exit "$status"
}

main() {
    parse "$@"
    made='' recorded=no here=''
    choose_directories
    work=$(mktemp -d)
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    if [ "$action" = uninstall ]; then uninstall_all; else install_all; fi
}

main "$@"
