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

# retry TIMES COMMAND...: the command ends with 0 within so many tries, a second apart.
retry() {
    local times=$1
    shift
    while ! "$@"; do
        times=$((times - 1))
        [ "$times" -gt 0 ] || return 1
        sleep 1
    done
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
