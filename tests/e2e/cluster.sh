#!/usr/bin/env bash
# Real Kubernetes on the lab's hosts, from the bundle that TASKBOX_BUNDLE names: three masters, three workers, two load balancers.
#
# Usage: TASKBOX_BUNDLE=FILE tests/e2e/cluster.sh [CASE ...]      KEEP=1 leaves the lab
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"
# shellcheck source=tests/e2e/expect.sh
. "$here/expect.sh"

LAB=cluster
taskbox() { "$TASKBOX" "$@"; }
lab() { taskbox lab "$@" --name "$LAB"; }
on() { taskbox lab ssh --name "$LAB" "$@"; }
install() { ./install.sh --lab="$LAB" --yes --bundle "$TASKBOX_BUNDLE" "$@"; }
# Waits for a deployment, then shows its pods.
rolled_out() { on master1 "kubectl rollout status --timeout=180s deployment/$1 && kubectl get pods -o wide"; }

case_lab_up() {
    lab down >/dev/null 2>&1 || true
    ok "the lab comes up" lab up --masters 3 --nodes 3 --lb 2
}

case_install() {
    local start=$SECONDS
    ok "the cluster is installed" install
    never "it is real" 'stand-in|standin'
    echo "note  first install $((SECONDS - start)) s"
    start=$SECONDS
    ok "the second install ends well" install
    never "it changes nothing" 'changed=[1-9]'
    echo "note  second install $((SECONDS - start)) s"
}

case_verify() {
    ok "verify is fine" taskbox verify --lab="$LAB"
    says "six hosts are ready" '6 of 6 ready'
    never "no stand-in is among them" 'stand-in|standin'
    says "services answer on every host" 'node3 +services'
    output=$(taskbox verify --lab="$LAB" | grep -E 'nodes|system pods|leader|endpoints')
    echo "$output"
}

# The one image that every cluster has and that stays up by itself is pause. Names and services are asked for by verify.
case_workload() {
    local pause
    pause=$(on node1 "ctr -n k8s.io images list -q | grep -m1 '/pause:'" | tr -d '\r')
    ok "pods run on the workers" on master1 "kubectl create deployment pauses --image=$pause --replicas=6"
    ok "all of them" rolled_out pauses
}

case_kubelet_comes_back() {
    # shellcheck disable=SC2016  # the host expands it
    ok "the kubelet comes back when it is killed" on node1 'systemctl kill --signal=KILL kubelet; for n in $(seq 30); do sleep 1; systemctl is-active --quiet kubelet && exit 0; done; exit 1'
    ok "verify is fine" retry 60 taskbox verify --lab="$LAB"
}

case_drill() {
    ok "each master may be stopped" taskbox drill --lab="$LAB" --yes
    echo "$output" | tail -n 6
}

case_add_nodes() {
    ok "a fourth worker is there" lab up --masters 3 --nodes 4 --lb 2
    ok "it joins" ./add-nodes.sh --lab="$LAB" --bundle "$TASKBOX_BUNDLE"
    ok "seven hosts are ready" retry 60 taskbox verify --lab="$LAB"
}

case_uninstall() {
    ok "the cluster goes away" ./uninstall.sh --lab="$LAB" --yes --data
    # shellcheck disable=SC2016  # the host expands it
    ok "nothing of it is left on a worker" on node2 'test ! -e /etc/kubernetes -a ! -e /var/lib/kubelet -a ! -e /usr/local/bin/kubelet; ! ip link show cni0; ! iptables-save | grep -q KUBE-'
}

case_lab_down() {
    ok "the lab goes away" lab down
}

# shellcheck source=scripts/find-taskbox.sh
here=$root . "$root/scripts/find-taskbox.sh"
[ -n "${KEEP:-}" ] || trap 'lab down >/dev/null 2>&1 || true' EXIT
cases=${*:-lab_up install verify workload kubelet_comes_back drill add_nodes uninstall lab_down}
for name in $cases; do
    "case_$name"
done
trap - EXIT
finish
