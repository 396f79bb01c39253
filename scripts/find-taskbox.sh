# shellcheck shell=bash disable=SC2154,SC2164
# Sets TASKBOX to a binary that is there: the one it names already, a released one beside the scripts, else one built from this checkout (again
# when sources changed; cargo decides). Needs `here`, the folder of the scripts.
if [ -x "${TASKBOX:-}" ]; then
    :
elif [ -x "$here/bin/taskbox" ]; then
    TASKBOX=$here/bin/taskbox
elif [ -f "$here/Cargo.toml" ]; then
    if ! command -v cargo >/dev/null; then
        echo "error: no released binary in $here/bin and no cargo to build one" >&2
        echo "help: unpack a release of taskbox, or install Rust (https://rustup.rs) and a C compiler, make and perl" >&2
        exit 1
    fi
    built=$here/target/$(rustc -vV | sed -n 's/^host: //p')/release/taskbox
    quiet=--quiet
    if [ ! -x "$built" ]; then
        echo "no released binary in $here/bin: building one from this checkout, which takes some minutes" >&2
        # A person wants to see it move; a log does not want every crate's name.
        [ ! -t 2 ] || quiet=
    fi
    (
        cd "$here"
        # The sources decide what is built, not the caller's settings.
        unset RUSTFLAGS CARGO_BUILD_TARGET
        cargo build ${quiet:+"$quiet"} --release --package taskbox-cli
        cargo build ${quiet:+"$quiet"} --profile agent --package taskbox-agent
    ) >&2
    TASKBOX=$built
else
    echo "error: neither bin/taskbox nor Cargo.toml is in $here" >&2
    echo "help: unpack the whole release; the scripts do not work alone" >&2
    exit 1
fi
export TASKBOX
