#!/usr/bin/env bash
# Templates beside ansible-core: 10,000 renders of a 200-line HAProxy configuration, and 1,000 lazy variables that refer to each other.
# Both engines work on one core, on the same inputs, and must give the same bytes; processor time is compared.
#
# Usage: ANSIBLE_PYTHON=VENV/bin/python tests/bench/templates/run.sh [RENDERS]      RENDERS: ours, default 10000; ansible-core does 1 in 100
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
python=${ANSIBLE_PYTHON:?a Python that has ansible-core}
renders=${1:-10000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 "$here/make_template.py" "$folder"
(cd "$here/../../.." && cargo build --quiet --release --package taskbox-template --example bench)
bench=$(find "$here/../../../target" -path '*release/examples/bench' -type f | head -1)
ours=$(taskset -c 0 "$bench" "$folder" "$renders" 50)
theirs=$(taskset -c 0 "$python" "$here/with_ansible.py" "$folder" $((renders / 100 + 1)) 1)
OURS=$ours THEIRS=$theirs python3 - <<'REPORT'
import json, os, sys
ours, theirs = ([json.loads(line) for line in os.environ[name].splitlines()] for name in ("OURS", "THEIRS"))
worst = None
for kind, out, what in (("render", "sha256", "one render of the template"), ("lazy", "result", "1,000 lazy variables")):
    a, b = next(x for x in ours if kind in x), next(x for x in theirs if kind in x)
    if a[out] != b[out]:
        sys.exit(f"{what}: the results differ: {a[out]} and {b[out]}")
    ratio = b[kind] / a[kind]
    worst = ratio if worst is None else min(worst, ratio)
    print(f"{what:28} ansible-core {b[kind] * 1e3:9.3f} ms   taskbox {a[kind] * 1e3:9.3f} ms   {ratio:6.1f} times as fast")
sys.exit(worst < 10)
REPORT
