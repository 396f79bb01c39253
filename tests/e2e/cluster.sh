#!/usr/bin/env bash
# Real Kubernetes on the lab's hosts: three masters, three workers, two load balancers, and all that is claimed of a cluster.
#
# Usage: TASKBOX_BUNDLE=FILE tests/e2e/cluster.sh [CASE ...]      KEEP=1 leaves the lab
#   TASKBOX_BUNDLE   a bundle with Kubernetes' programs and images, or a folder of such things, which is made into one first
#   MASTERS, NODES, LBS   other numbers of hosts, 3, 3 and 2 else (two masters less leave out what one alone cannot show)
#   PATIENCE              how many seconds the cluster may take to be well again, 600 else
#   OFFLINE=1             a lab without a way out and without name resolution; the bundle must have the packages, too
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${TASKBOX_BUNDLE:?names no bundle with Kubernetes}"
TASKBOX_BUNDLE=$(readlink -f "$TASKBOX_BUNDLE")
cd "$root"
# shellcheck source=tests/e2e/expect.sh
. "$here/expect.sh"

LAB=${LAB:-cluster} MASTERS=${MASTERS:-3} NODES=${NODES:-3} LBS=${LBS:-2}
FRESH=.lab/$LAB/fresh
CLUSTER=$((MASTERS + NODES))
# How long the cluster may take to be well again, in seconds: many hosts share few cores.
PATIENCE=${PATIENCE:-600}
taskbox() { "$TASKBOX" "$@"; }
lab() { taskbox lab "$@" --name "$LAB"; }
lab_up() { lab up --masters "$MASTERS" --nodes "$1" --lb "$LBS" ${OFFLINE:+--offline}; }
on() { taskbox lab ssh --name "$LAB" "$@"; }
# Where the hosts and their settings are written.
conf=(--lab="$LAB")
install() { ./install.sh "${conf[@]}" --yes --bundle "$TASKBOX_BUNDLE" "$@"; }
well() { ok "$1" within "$PATIENCE" taskbox verify --home "$root" "${conf[@]}"; }
hosts() { taskbox lab status --name "$LAB" --json | python3 -c 'import json, sys; print(*[h["name"] for h in json.load(sys.stdin)["hosts"]])'; }
address() { taskbox lab status --name "$LAB" --json | python3 -c "import json, sys; print(*[h['address'] for h in json.load(sys.stdin)['hosts'] if h['name'] == '$1'])"; }
# Asks the API from one master.
kubectl() {
    local master=$1
    shift
    on "$master" "kubectl --request-timeout=30s $*" | tr -d '\r'
}
holder() { kubectl master1 "get lease $1 --namespace kube-system --output jsonpath='{.spec.holderIdentity}'" | sed 's/_.*//'; }
endpoints() { kubectl "$1" "get endpoints kubernetes --output jsonpath='{.subsets[*].addresses[*].ip}'" 2>/dev/null; }
# The bundle's image whose name matches. What the hosts were given is asked for by name: one that did not arrive must not go unnoticed.
image() {
    local names
    names=$(taskbox bundle show "$TASKBOX_BUNDLE" --json | python3 -c 'import json, sys; [print(i["reference"]) for i in json.load(sys.stdin)["images"]]')
    grep -m 1 -E "$1" <<<"$names"
}

case_bundle() {
    [ -d "$TASKBOX_BUNDLE" ] || { ok "the bundle can be read" taskbox bundle show "$TASKBOX_BUNDLE"; return; }
    ok "a bundle is made of the folder" taskbox bundle build --from "$TASKBOX_BUNDLE" --kubernetes v1.36.2 -o "target/$LAB.bundle"
    echo "$output" | grep -E '^(missing|unasked)|bundle:' || true
    TASKBOX_BUNDLE=$root/target/$LAB.bundle
}

case_lab_up() {
    lab down >/dev/null 2>&1 || true
    ok "the lab comes up" lab_up "$NODES"
    [ -z "${OFFLINE:-}" ] || fails "no name is resolved in it" on node1 'timeout 3 getent hosts example.com'
    # shellcheck disable=SC2046  # one word a host
    fingerprint on $(hosts) >"$FRESH"
}

case_install() {
    local start=$SECONDS
    ok "a dry run on fresh hosts works through all of it" install --check
    says "it lists what would change" 'changed=[1-9]'
    # shellcheck disable=SC2046
    same "it changes nothing" "$(cat "$FRESH")" "$(fingerprint on $(hosts))"
    echo "note  dry run $((SECONDS - start)) s"
    start=$SECONDS
    ok "the cluster is installed" install
    never "it is real" 'stand-in|standin'
    echo "$output" | grep -E '^  [A-Z].* s  |^Installed' || true
    echo "note  first install $((SECONDS - start)) s"
    start=$SECONDS
    ok "the second install ends well" install
    never "it changes nothing" 'changed=[1-9]'
    echo "note  second install $((SECONDS - start)) s"
}

case_verify() {
    well "verify is fine"
    says "all hosts are ready" "$CLUSTER of $CLUSTER ready"
    never "no stand-in is among them" 'stand-in|standin'
    says "services answer on every host" "node$NODES +services"
    says "both leases are held" 'scheduler master[1-9], controller manager master[1-9]'
    echo "$output" | grep -E 'nodes|system pods|leader|endpoints|etcd quorum|runtime' | sed 's/^/      /' || true
    kubectl master1 get nodes -o wide || true
    kubectl master1 get pods -A -o wide || true
}

case_certificates() {
    local names
    ok "the API server's certificate can be read" on master1 "openssl x509 -in /etc/kubernetes/pki/apiserver.crt -noout -ext subjectAltName"
    says "it has the common name" 'DNS:lb\.kubesphere\.local'
    [ "$LBS" = 0 ] || says "and the virtual address" "IP Address:$(awk '/^loadbalancer_apiserver:/ {inside = 1} inside && $1 == "address:" {print $2; exit}' ".lab/$LAB/vars.yml" | sed 's/\./\\./g')(,|$)"
    says "the service's name" 'DNS:kubernetes\.default\.svc\.cluster\.local'
    names=$output
    for number in $(seq "$MASTERS"); do
        output=$names
        says "and master$number by name and address" "(DNS:master$number,.*IP Address:$(address "master$number" | sed 's/\./\\./g')(,|$))"
    done
    # What the server shows on the wire, to who trusts the cluster's authority and calls it by the common name.
    ok "the API shows it under the common name" on node1 "curl --silent --show-error --fail --cacert /etc/kubernetes/pki/ca.crt https://lb.kubesphere.local:6443/readyz"
}

# Leader election, seen to move: the holder's program is taken away as the kubelet would see it, by its static pod's manifest.
case_leases_move() {
    local lease first
    [ "$MASTERS" -gt 1 ] || return 0
    for lease in kube-scheduler kube-controller-manager; do
        first=$(holder $lease)
        ok "$lease is led by $first: its pod goes" on "$first" "mv /etc/kubernetes/manifests/$lease.yaml /etc/kubernetes/$lease.yaml.away"
        # shellcheck disable=SC2317  # called by within
        moved() { local now; now=$(holder "$lease") && [ -n "$now" ] && [ "$now" != "$first" ]; }
        ok "another master leads" within "$PATIENCE" moved
        echo "note  $lease: $first, then $(holder $lease)"
        ok "its pod comes back" on "$first" "mv /etc/kubernetes/$lease.yaml.away /etc/kubernetes/manifests/$lease.yaml"
    done
    well "all is well again"
}

# The endpoints of the service `kubernetes` are leases too; and kubectl on a master goes through the load balancer, not to its own API server.
case_endpoints_shrink_and_grow() {
    local gone all
    [ "$MASTERS" -gt 1 ] || return 0
    gone=$(address master2) all=$(endpoints master1)
    ok "the API server of master2 goes" on master2 "mv /etc/kubernetes/manifests/kube-apiserver.yaml /etc/kubernetes/kube-apiserver.yaml.away"
    # shellcheck disable=SC2317  # called by within
    shrunk() { local now; now=$(endpoints master1) && [ -n "$now" ] && ! grep -qwF "$gone" <<<"$now"; }
    ok "its address leaves the endpoints" within "$PATIENCE" shrunk
    echo "note  endpoints: $all, then $(endpoints master1)"
    ok "kubectl on master2 outlives it" within 120 taskbox lab ssh --name "$LAB" master2 "kubectl --request-timeout=10s get nodes"
    fails_with 2 "verify tells that it is away" taskbox verify --home "$root" "${conf[@]}"
    says "by name" 'master2.*API server'
    ok "it comes back" on master2 "mv /etc/kubernetes/kube-apiserver.yaml.away /etc/kubernetes/manifests/kube-apiserver.yaml"
    # shellcheck disable=SC2317  # called by within
    grown() { [ "$(endpoints master1)" = "$all" ]; }
    ok "and so does its address" within "$PATIENCE" grown
    well "all is well again"
}

# Pods on every worker; a pod's own view of names and of a service, on each of them: the pods behind it are on one or two.
case_workload() {
    local tools node
    ok "pods run on the workers" kubectl master1 "create deployment pauses --image=$(image /pause:) --replicas=$((2 * NODES))"
    ok "all of them" on master1 "kubectl rollout status --timeout=${PATIENCE}s deployment/pauses"
    image /coredns: >/dev/null || { echo "note  the bundle has no name server: names are not asked for"; return; }
    ok "the name server runs" on master1 "kubectl rollout status --timeout=${PATIENCE}s --namespace kube-system deployment/coredns"
    ok "containerd tells which images stay when a disk runs full" on node1 "crictl --runtime-endpoint unix:///run/containerd/containerd.sock images --output json"
    pinned() { python3 -c 'import json, sys; [print(*i["repoTags"]) for i in json.load(sys.stdin)["images"] if i.get("pinned")]' <<<"$output"; }
    output=$(pinned)
    says "those of the bundle do" '/coredns:'
    # One with a shell, nslookup and wget: busybox, or flannel's, which is made on it.
    tools=$(image /busybox: || image /flannel:) || { echo "note  the bundle has no image with a shell: names are not asked for from a pod"; return; }
    for node in $(seq "$NODES"); do
        kubectl master1 "delete pod asks-$node --ignore-not-found --now" >/dev/null
        ok "a pod begins on node$node" kubectl master1 "run asks-$node --image=$tools --restart=Never --overrides='{\"spec\":{\"nodeName\":\"node$node\"}}' --command -- sh -c 'nslookup kubernetes.default.svc.cluster.local; wget -q -T 10 -O - http://kube-dns.kube-system.svc.cluster.local:9153/metrics'"
        # shellcheck disable=SC2317  # called by within
        ended() { kubectl master1 "get pod asks-$node --output jsonpath='{.status.phase}'" | grep -qE 'Succeeded|Failed'; }
        ok "it asks" within "$PATIENCE" ended
        ok "its words can be read" kubectl master1 "logs asks-$node"
        says "it knows the API's name" 'Address.*10\.233\.0\.1$'
        says "it reaches a service by its name" '^coredns_build_info'
    done
    kubectl master1 "delete pod --all --now" >/dev/null 2>&1 || true
}

case_kubelet_comes_back() {
    # shellcheck disable=SC2016  # the host expands it
    ok "the kubelet comes back when it is killed" on node1 'old=$(systemctl show --property MainPID --value kubelet); systemctl kill --signal=KILL kubelet; for n in $(seq 60); do sleep 1; new=$(systemctl show --property MainPID --value kubelet); [ "$new" != 0 ] && [ "$new" != "$old" ] && exit 0; done; exit 1'
    well "verify is fine"
}

# A setting that changes later goes to the hosts that are there: the kubelet of a worker tells what it was given.
case_settings() {
    local known
    ok "a changed setting of the kubelet goes to every host" install -e kubelet_max_pods=123
    # shellcheck disable=SC2317  # called by within
    given() { known=$(kubectl master1 "get nodes --output jsonpath='{.items[*].status.capacity.pods}'") && ! grep -qvw 123 <<<"${known// /$'\n'}"; }
    ok "and every kubelet knows it" within 120 given
    well "verify is fine"
}

# What an install leaves that broke in the middle of a join: the next one begins that host anew and touches no other.
case_broken_join() {
    local last=master$MASTERS members
    ok "a join of node$NODES did not end" on "node$NODES" "touch /etc/kubernetes/unfinished"
    [ "$MASTERS" = 1 ] || ok "nor did that of $last" on "$last" "touch /etc/kubernetes/unfinished"
    ok "the install goes on where it stopped" install
    well "verify is fine"
    says "all hosts are ready" "$CLUSTER of $CLUSTER ready"
    says "every member of etcd has its data" "$last +etcd data"
    members=$(on "$last" "ls /var/lib/etcd/member" | tr -d '\r' | sort | tr '\n' ' ')
    same "as before" "snap wal " "$members"
    # The host got another part of the pods' network: its bridge must have followed.
    # shellcheck disable=SC2016  # the host expands it
    ok "new pods of node$NODES get addresses of its new part" on "node$NODES" '. /run/flannel/subnet.env; [ ! -e /sys/class/net/cni0 ] || ip -o -4 address show dev cni0 | grep -qF " $FLANNEL_SUBNET "'
}

case_drill() {
    [ "$MASTERS" -gt 1 ] || return 0
    ok "each master may be stopped, and etcd keeps what was written" taskbox drill --home "$root" "${conf[@]}" --yes
    says "the last one, too" "master$MASTERS .*intact"
    echo "$output" | tail -n $((MASTERS + 3))
}

case_add_nodes() {
    local start new=node$((NODES + 1))
    ok "one more worker is there" lab_up "$((NODES + 1))"
    # shellcheck disable=SC2046
    fingerprint on "$new" >>"$FRESH"
    start=$SECONDS
    ok "it joins" ./add-nodes.sh --lab="$LAB" --bundle "$TASKBOX_BUNDLE"
    says "the others learned its name only" 'node1 .*changed=1 '
    echo "note  add-nodes $((SECONDS - start)) s"
    CLUSTER=$((CLUSTER + 1))
    well "verify is fine"
    says "all hosts are ready" "$CLUSTER of $CLUSTER ready"
    ok "a second call finds nothing to do" ./add-nodes.sh --lab="$LAB" --bundle "$TASKBOX_BUNDLE"
    never "it changes nothing" 'changed=[1-9]'
}

# The first master becomes a registry, too: filled from the bundle, with our authority and a password, and asked by the kubelet for the upstream's names.
# The lab writes its own hosts.ini, so this one is a copy; what goes away goes by it, too.
case_registry() {
    local pause
    taskbox bundle show -v "$TASKBOX_BUNDLE" | grep -qE 'docker-registry|bin/[^/]*/registry' || { echo "note  the bundle has no registry"; return; }
    pause=$(image /pause:)
    rm -rf "target/$LAB.conf"
    cp -r ".lab/$LAB" "target/$LAB.conf"
    conf=(--conf "target/$LAB.conf")
    printf '\n[local-registry]\nmaster1\n' >>"target/$LAB.conf/hosts.ini"
    ok "a registry is set up and filled" install
    ok "a pod begins whose image must be asked for" kubectl master1 "run pulled --image=$pause --image-pull-policy=Always --overrides='{\"spec\":{\"nodeName\":\"node1\"}}'"
    ok "it comes from the registry" on master1 "kubectl wait --for=condition=Ready --timeout=${PATIENCE}s pod/pulled"
    kubectl master1 "delete pod pulled --now" >/dev/null 2>&1 || true
    well "verify is fine"
    says "it tells what the registry has" 'registry .*answers, [1-9][0-9]* repositories'
    ok "the second install ends well" install
    never "it changes nothing" 'changed=[1-9]'
}

case_uninstall() {
    local host
    fails "it asks, and does nothing where nobody can answer" ./uninstall.sh "${conf[@]}"
    ok "the cluster goes away" ./uninstall.sh "${conf[@]}" --yes --data
    # shellcheck disable=SC2046
    same "files, packages and units are those of the fresh hosts" "$(lasting <"$FRESH" | sort)" "$(fingerprint on $(hosts) | lasting | sort)"
    for host in master1 node2; do
        [ "$host" != node2 ] || [ "$NODES" -gt 1 ] || continue
        # shellcheck disable=SC2016  # the host expands it
        ok "no link, packet filter rule, mount, cgroup or process of it is left on $host" on "$host" '
            left=$(
                ip -o link show | grep -E "cni0|flannel|veth[0-9a-f]+@|kube-ipvs0|nodelocaldns"
                iptables-save 2>/dev/null | grep -E "KUBE-|CNI-|FLANNEL"
                ip6tables-save 2>/dev/null | grep -E "KUBE-|CNI-|FLANNEL"
                nft list tables 2>/dev/null | grep -E "kube|flannel"
                ip route | grep -E "cni0|flannel"
                grep -E "kubelet|containerd|/cni-" /proc/mounts
                find /sys/fs/cgroup -maxdepth 3 -name "kubepods*"
                ps -eo pid=,comm= | grep -E " (kube|flanneld|coredns|containerd|etcd|pause)"
                ls -d /var/lib/kubelet /var/lib/cni /var/lib/containerd /var/lib/etcd /opt/cni /opt/containerd /run/flannel /run/containerd /var/log/pods /var/log/containers 2>/dev/null
            )
            echo "$left"; [ -z "$left" ]'
    done
    ok "and the same hosts can be installed again" install
    well "verify is fine"
    says "all hosts are ready" "$CLUSTER of $CLUSTER ready"
    ok "once more" install
    never "it changes nothing" 'changed=[1-9]'
}

case_lab_down() {
    ok "the lab goes away" lab down
    same "no host of it stays" "" "$(docker ps -aq --filter "name=taskbox-lab-$LAB-")"
    same "nor a network" "" "$(docker network ls -q --filter "name=^taskbox-lab-$LAB\$")"
}

# shellcheck source=scripts/find-taskbox.sh
here=$root . "$root/scripts/find-taskbox.sh"
[ -n "${KEEP:-}" ] || trap 'lab down >/dev/null 2>&1 || true' EXIT
cases=${*:-lab_up install verify certificates leases_move endpoints_shrink_and_grow workload kubelet_comes_back settings broken_join drill add_nodes registry uninstall lab_down}
for name in bundle $cases; do
    "case_$name"
done
trap - EXIT
finish
