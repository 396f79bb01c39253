#!/usr/bin/env bash
# inventory_scale.sh: 10,000 hosts in 200 groups of one hosts.ini, `--list`: time and memory beside ansible-core's, as ratios.
#
# TASKBOX=target/release/taskbox ANSIBLE_INVENTORY_PROGRAM=venv/bin/ansible-inventory tests/bench/inventory_scale.sh
# Fails when a ratio is not below LIMIT (0.2). Needs GNU time (`/usr/bin/time`) for the memory; without it only the time is compared.
set -euo pipefail

taskbox=${TASKBOX:?the taskbox binary, a release build}
ansible=${ANSIBLE_INVENTORY_PROGRAM:?ansible-inventory of ansible-core}
limit=${LIMIT:-0.2} hosts=${HOSTS:-10000} groups=${GROUPS_COUNT:-200}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk -v hosts="$hosts" -v groups="$groups" 'BEGIN {
    size = hosts / groups
    for (g = 1; g <= groups; g++) {
        printf "[group%d]\n", g
        for (h = 1; h <= size; h++) printf "node%d-%d ansible_host=10.%d.%d.%d rack=r%d\n", g, h, g / 250, g % 250, h, h % 7
        printf "[group%d:vars]\nzone=z%d\n", g, g % 5
    }
    print "[every:children]"
    for (g = 1; g <= groups; g++) printf "group%d\n", g
}' >"$work/hosts.ini"

# measure NAME PROGRAM ARGS...: the best of three runs as `SECONDS KIBIBYTES` in $work/NAME, the output in $work/NAME.json
measure() {
    local name=$1 best="" run
    shift
    for _ in 1 2 3; do
        if [ -x /usr/bin/time ]; then
            /usr/bin/time -f '%e %M' -o "$work/run" "$@" >"$work/$name.json" 2>"$work/$name.err"
            run=$(cat "$work/run")
        else
            local start end
            start=$(date +%s.%N)
            "$@" >"$work/$name.json" 2>"$work/$name.err"
            end=$(date +%s.%N)
            run="$(awk -v a="$start" -v b="$end" 'BEGIN { printf "%.2f", b - a }') 0"
        fi
        best=$(printf '%s\n%s\n' "$best" "$run" | grep -v '^$' | sort -n | head -n 1)
    done
    echo "$best" >"$work/$name"
}

measure taskbox "$taskbox" inventory -i "$work/hosts.ini" --list
measure ansible "$ansible" -i "$work/hosts.ini" --list

count() { grep -c '"ansible_host":' "$1"; }
if [ "$(count "$work/taskbox.json")" != "$(count "$work/ansible.json")" ]; then
    echo "the two list different hosts" >&2
    exit 1
fi

awk -v limit="$limit" '
    NR == FNR { seconds = $1; memory = $2; next }
    {
        time_ratio = seconds / $1
        printf "time    %7.2f s   of %7.2f s    ratio %.3f\n", seconds, $1, time_ratio
        bad = time_ratio >= limit
        if ($2 > 0) {
            memory_ratio = memory / $2
            printf "memory  %7.0f KiB of %7.0f KiB  ratio %.3f\n", memory, $2, memory_ratio
            bad = bad || memory_ratio >= limit
        }
        if (bad) { printf "a ratio is not below %s\n", limit; exit 1 }
    }' "$work/taskbox" "$work/ansible"
