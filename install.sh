#!/usr/bin/env bash
# Installs the cluster that conf/hosts.ini and conf/vars.yml describe. Thin: finds the binary `taskbox` or builds it, and passes everything on.
# Usage: ./install.sh [all-in-one | multi-node] [options]      (./install.sh -h lists them)
set -euo pipefail
here=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=scripts/find-taskbox.sh
. "$here/scripts/find-taskbox.sh"
exec "$TASKBOX" install --home "$here" "$@"
