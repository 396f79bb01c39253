#!/bin/sh
# Records what ansible-playbook warns of: record.sh ANSIBLE_PLAYBOOK. Needs the version that COMPATIBILITY names, and passlib.
set -eu
playbook=$(realpath -s "$1")
cd "$(dirname "$0")"
export ANSIBLE_NOCOLOR=1 ANSIBLE_LOCALHOST_WARNING=0 LC_ALL=C.UTF-8
"$playbook" -i h1, -c local -e "ansible_python_interpreter=$(dirname "$playbook")/python" site.yml 2>&1 >/dev/null |
    sed -e "s|$PWD|CASE|g" >printed
