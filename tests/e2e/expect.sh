# shellcheck shell=bash
# What a case expects of a command: its exit code and its words. Each check prints one line and counts.
passed=0 failed=0 output=

report() {
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
        echo "ok    $2"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n%s\n' "$2" "$(head -n 1 <<<"$3"; tail -n +2 <<<"$3" | tail -n 40)"
    fi
}

# ok NAME COMMAND...: the command ends with 0.
ok() {
    local name=$1 status=0
    shift
    output=$("$@" 2>&1) || status=$?
    report "$status" "$name" "exit code $status: $*
$output"
}

# fails NAME COMMAND...: the command ends with anything but 0.
fails() {
    local name=$1 status=0
    shift
    output=$("$@" 2>&1) || status=$?
    report "$((status == 0))" "$name" "exit code $status: $*
$output"
}

# fails_with CODE NAME COMMAND...
fails_with() {
    local code=$1 name=$2 status=0
    shift 2
    output=$("$@" 2>&1) || status=$?
    report "$((status != code))" "$name" "exit code $status: $*
$output"
}

# says NAME PATTERN: the last command's output has a line that matches.
says() {
    local status=0
    grep -qE -- "$2" <<<"$output" || status=1
    report "$status" "$1" "no line matches $2 in: $output"
}

# never NAME PATTERN: no line of the last command's output matches.
never() {
    local status=0
    ! grep -qE -- "$2" <<<"$output" || status=1
    report "$status" "$1" "$(grep -nE -- "$2" <<<"$output")"
}

# same NAME A B: two texts are equal.
same() {
    local status=0
    [ "$2" = "$3" ] || status=1
    report "$status" "$1" "$(diff <(echo "$2") <(echo "$3") || true)"
}

# within SECONDS COMMAND...: the command ends with 0 in one of its tries, a second apart; none begins after so many seconds, however long each takes.
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 1
    done
}

# fingerprint ON HOST...: what an install may touch on each host (ON HOST COMMAND runs there): files with their sums, packages, units that start at boot.
# A host that is too busy to tell is asked again.
fingerprint() {
    local on=$1 host
    shift
    for host in "$@"; do
        within 60 fingerprint_of "$on" "$host"
    done
}

# shellcheck disable=SC2016  # the host expands it
fingerprint_of() {
    local words word
    words=$("$1" "$2" 'set -e; find /etc /usr/local /var/lib/etcd /opt -type f -exec sha256sum {} + 2>/dev/null | sort -k 2; dpkg-query -W; systemctl list-unit-files --no-legend --state=enabled') || return 1
    while IFS= read -r word; do printf '%s %s\n' "$2" "$word"; done <<<"$words"
}

# A fingerprint without what no uninstall brings back: the backups that useradd and userdel write, and the versions of packages that were
# there before and that a new package's dependencies made newer.
lasting() { grep -vE '/etc/(passwd|group|shadow|gshadow)-$' | cut -f 1; }

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
