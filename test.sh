#!/usr/bin/env bash
# Every test there is: format, lints, licences, unit tests, differential tests against ansible-core, and end-to-end tests on the lab's hosts.
# On a fresh Debian machine with Rust and Docker it installs what it needs.
#
# Usage: ./test.sh [STAGE ...]     stages: lint unit differential e2e (all of them when none is given), and
#        TASKBOX_BUNDLE=FILE ./test.sh cluster     a real cluster on the lab's hosts, from a bundle with Kubernetes
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

# The version whose answers are recorded beside the tests.
ANSIBLE_CORE=2.19.14
passed=0 failed=0 started=$SECONDS
stages=${*:-lint unit differential e2e}

say() { printf '\n== %s  [%d s]\n' "$*" $((SECONDS - started)); }

# Runs one check, counts it, shows its output only if it fails.
check() {
    local name=$1 out
    shift
    if out=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok    $name"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n%s\n' "$name" "$(tail -n 60 <<<"$out")"
    fi
}

# Adds the counts of a test runner's output, read from a file: those of its lines that match the pattern (a failing test's own words may have counts, too).
count() {
    local lines p f
    lines=$(grep -E "$2" "$1" || true)
    p=$(sed -nE 's/(^|.* )([0-9]+) passed.*/\2/p' <<<"$lines" | awk '{ n += $1 } END { print n + 0 }')
    f=$(sed -nE 's/(^|.* )([0-9]+) failed.*/\2/p' <<<"$lines" | awk '{ n += $1 } END { print n + 0 }')
    passed=$((passed + p)) failed=$((failed + f))
}

need_packages() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    say "installing ${missing[*]}"
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get -qq update
    DEBIAN_FRONTEND=noninteractive $sudo apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

prepare() {
    need_packages ca-certificates createrepo-c curl debootstrap dnf docker-registry gcc git libc6-dev make openssh-client openssh-server openssl \
        perl pkg-config python3 python3-venv rpm shellcheck sshpass sudo
    command -v cargo >/dev/null || { echo "error: Rust is not installed" >&2; echo "help: https://rustup.rs" >&2; exit 1; }
    export CARGO_TERM_COLOR=never
    cargo nextest --version >/dev/null 2>&1 || cargo install --quiet --locked --debug cargo-nextest
    cargo deny --version >/dev/null 2>&1 || cargo install --quiet --locked --debug cargo-deny
}

stage_lint() {
    say "format, lints, licences"
    check "format" cargo fmt --all --check
    check "clippy" cargo clippy --quiet --workspace --all-targets -- -D warnings
    check "shell scripts" shellcheck -x install.sh add-nodes.sh uninstall.sh test.sh .ci/run scripts/*.sh tests/e2e/*.sh tests/bench/templates/*.sh
    check "licences, bans, sources" cargo deny --log-level error check --hide-inclusion-graph licenses bans sources
    # The database of advisories is a git repository on the internet; without one there is nothing to compare with.
    if cargo deny --log-level off fetch db >/dev/null 2>&1; then
        check "advisories" cargo deny --log-level error check --disable-fetch advisories
    else
        echo "skip  advisories: the database cannot be reached from here"
    fi
}

# Runs tests with cargo and adds their counts; a run that counts nothing has failed. Always of the whole workspace, filtered: with --package the
# dependencies get other features, and all of them would be built once more.
runs() {
    local name=$1 log
    shift
    log=$(mktemp)
    cargo "$@" --no-fail-fast --status-level fail --final-status-level fail >"$log" 2>&1 || true
    if grep -qE '^ *Summary .*[0-9]+ passed' "$log"; then
        count "$log" '^ *Summary '
        echo "ran   $name: $(sed -nE 's/.*Summary \[[^]]*\] *//p' "$log")"
    else
        failed=$((failed + 1))
        echo "FAIL  $name did not run"
    fi
    grep -qE '^error|^ *(FAIL|SIG|ABORT|TIMEOUT)|did not run' "$log" && tail -n 80 "$log"
    rm -f "$log"
}

stage_unit() {
    say "unit tests"
    # The agent as it is shipped: tests push it, talk to it and measure its size.
    check "agent builds" cargo build --quiet --profile agent --package taskbox-agent
    runs "unit tests" nextest run --workspace
    runs "the agent's size" nextest run --workspace --run-ignored only -E 'package(taskbox-agent)'
}

oracle() {
    local venv=target/ansible-core-$ANSIBLE_CORE
    if [ ! -x "$venv/bin/ansible-playbook" ]; then
        python3 -m venv "$venv"
        "$venv/bin/pip" --quiet install "ansible-core==$ANSIBLE_CORE"
    fi
    export ANSIBLE_PLAYBOOK=$PWD/$venv/bin/ansible-playbook TASKBOX_ANSIBLE=$PWD/$venv/bin/ansible
}

stage_differential() {
    say "differential tests against ansible-core $ANSIBLE_CORE, live"
    oracle
    runs "playbooks side by side with ansible-core" nextest run --workspace -E 'package(taskbox-runner) & binary(differential)'
    runs "templates, a sample by the day, beside ansible-core" nextest run --workspace -E 'package(taskbox-template) & binary(live_sample)'
    runs "facts side by side with ansible-core" nextest run --workspace -E 'package(taskbox-modules) & binary(differential_facts)'
}

stage_e2e() {
    say "end to end, on the lab's hosts"
    run_cases tests/e2e/run.sh
    say "the inputs of the guides, on the lab's hosts"
    run_cases tests/e2e/seeds.sh
}

# Runs a script of cases and adds its counts.
run_cases() {
    local log
    log=$(mktemp)
    "$@" 2>&1 | tee "$log" || true
    grep -qE '[0-9]+ passed, [0-9]+ failed' "$log" || { echo "FAIL  $1 ended early"; failed=$((failed + 1)); }
    count "$log" '^[0-9]+ passed, [0-9]+ failed$'
    rm -f "$log"
}

# Real Kubernetes: kubeadm, kubelet, etcd, containerd and images come from the bundle.
stage_cluster() {
    if [ ! -e "${TASKBOX_BUNDLE:-}" ]; then
        echo "error: TASKBOX_BUNDLE names no bundle" >&2
        echo "help: TASKBOX_BUNDLE=FILE ./test.sh cluster, with a bundle that holds Kubernetes, or a folder of its programs and images (docs/guide.md)" >&2
        exit 1
    fi
    say "a real cluster from $TASKBOX_BUNDLE"
    TASKBOX_BUNDLE=$(readlink -f "$TASKBOX_BUNDLE") run_cases tests/e2e/cluster.sh
}

prepare
for stage in $stages; do
    "stage_$stage"
done
say "done"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
