#!/usr/bin/env bash
# Takes back what the install changed on the hosts of conf/hosts.ini; asks first. --data takes etcd's data, images and volumes too.
# Usage: ./uninstall.sh [options]      (./uninstall.sh -h lists them)
set -euo pipefail
here=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=scripts/find-taskbox.sh
. "$here/scripts/find-taskbox.sh"
exec "$TASKBOX" uninstall --home "$here" "$@"
