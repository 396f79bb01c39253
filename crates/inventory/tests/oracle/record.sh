#!/usr/bin/env bash
# Asks the real ansible-inventory what each case holds and keeps its answers beside the case.
# Usage: crates/inventory/tests/oracle/record.sh [CASE...]   (ansible-core 2.19 on the PATH: pip install ansible-core==2.19.*)
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/cases"
unset "${!ANSIBLE_@}"
export ANSIBLE_DEPRECATION_WARNINGS=0
for name in "${@:-*/}"; do
  for case in ${name%/}; do
    (
      cd "$case"
      sources=()
      while read -r source; do sources+=(-i "$source"); done < sources
      ansible-inventory "${sources[@]}" --list > list.json
      ansible-inventory "${sources[@]}" --list --export > export.json
      ansible-inventory "${sources[@]}" --list --yaml > list.yaml
      ansible-inventory "${sources[@]}" --graph --vars > graph.txt
      echo "recorded $case"
    )
  done
done
