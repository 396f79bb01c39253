#!/usr/bin/env bash
# Lets the workers join that are new in conf/hosts.ini; the cluster's other hosts only learn their names.
# Usage: ./add-nodes.sh [options]      (./add-nodes.sh -h lists them)
set -euo pipefail
here=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=scripts/find-taskbox.sh
. "$here/scripts/find-taskbox.sh"
exec "$TASKBOX" add-nodes --home "$here" "$@"
