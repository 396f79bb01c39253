#!/bin/sh
# Records what ansible-playbook prints for every case: record.sh ANSIBLE_PLAYBOOK. Needs the version that COMPATIBILITY names.
set -eu
playbook=$(realpath -s "$1")
cd "$(dirname "$0")"
export ANSIBLE_NOCOLOR=1 ANSIBLE_LOCALHOST_WARNING=0 ANSIBLE_DEPRECATION_WARNINGS=0 LC_ALL=C.UTF-8
for folder in */; do
    scratch=$(mktemp -d)
    code=0
    # The words of `flags` and `environment` are meant to be split.
    # shellcheck disable=SC2046
    (cd "$folder" && env $(cat environment 2>/dev/null) "$playbook" -i h1, -c local -e "scratch=$scratch" -e "ansible_python_interpreter=$(dirname "$playbook")/python" $(cat flags) site.yml) \
        >"$folder/printed" 2>"$scratch/errors" || code=$?
    sed -i -e "s|$scratch|SCRATCH|g" -e "s|$PWD/${folder%/}|CASE|g" -e '/^No config file found; using defaults$/d' "$folder/printed"
    # What comes before is about the program: its version, its Python.
    if grep -q '^PLAYBOOK: ' "$folder/printed"; then sed -i -n '/^PLAYBOOK: /,$p' "$folder/printed"; fi
    echo "$code" >"$folder/code"
    rm -r "$scratch"
done
