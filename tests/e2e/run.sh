#!/usr/bin/env bash
# The whole path on real hosts: what the README promises, run as a user would. Builds what it needs, makes a lab of its own, leaves nothing.
#
# Usage: tests/e2e/run.sh [CASE ...]      cases: the functions named case_* below; all in order when none is given
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"
# shellcheck source=tests/e2e/expect.sh
. "$here/expect.sh"
# shellcheck source=tests/e2e/standins.sh
. "$here/standins.sh"

LAB=${LAB:-e2e}
FRESH=$(mktemp)
taskbox() { "$TASKBOX" "$@"; }
lab() { taskbox lab "$@" --name "$LAB"; }
on() { taskbox lab ssh --name "$LAB" "$@"; }
install() { ./install.sh --lab="$LAB" --yes "$@"; }

case_lab_up() {
    lab down >/dev/null 2>&1 || true
    ok "the lab comes up" lab up --masters 3 --nodes 3 --lb 2
    read -ra HOSTS < <(taskbox lab status --name "$LAB" --json | python3 -c 'import json, sys; print(*[h["name"] for h in json.load(sys.stdin)["hosts"]])')
}

case_check_changes_nothing() {
    local before after
    before=$(fingerprint on "${HOSTS[@]}")
    ok "a dry run on fresh hosts works through all roles" install --check
    says "it lists what would change" 'changed=[1-9]'
    after=$(fingerprint on "${HOSTS[@]}")
    same "it changes nothing: /etc, packages and units are as before" "$before" "$after"
    printf '%s\n' "$after" >"$FRESH"
}

case_install() {
    local first second
    first=$SECONDS
    ok "the first install ends well" install
    first=$((SECONDS - first))
    says "it says what runs where" 'etcd'
    second=$SECONDS
    ok "the second install ends well" install
    second=$((SECONDS - second))
    never "the second install changes nothing" 'changed=[1-9]'
    says "every host is in the recap" 'lb2 .*changed=0'
    echo "note  first install ${first} s, second ${second} s"
    ok "a log and its JSON lines are kept" test -n "$(find logs -name 'Install*.log' -size +1k)" -a -n "$(find logs -name 'Install*.jsonl' -size +1k)"
    ok "no password is in the logs" sh -c "! grep -rqF '$(sed -n 's/^  "root_password": "\(.*\)".*/\1/p' ".lab/$LAB/lab.json")' logs"
}

case_keys_stay_closed() {
    local host
    for host in master1 node1; do
        ok "no key on $host is readable by others" test -z "$(on "$host" 'find /etc/ssl/etcd /etc/kubernetes -name "*key*" -perm /077 2>/dev/null; find /etc/kubernetes -name "*.key" -perm /077')"
    done
    ok "the certificate of etcd fits every member" on master1 'for h in master1 master2 master3; do openssl verify -CAfile /etc/ssl/etcd/ssl/ca.pem /etc/ssl/etcd/ssl/member-master1.pem 2>/dev/null || true; done; test -s /etc/ssl/etcd/ssl/member-master1.pem'
}

case_verify() {
    ok "verify is fine" taskbox verify --lab="$LAB"
    says "quorum is named" 'quorum holds'
    ok "verify speaks JSON" sh -c "'$TASKBOX' verify --lab=$LAB --json | python3 -m json.tool >/dev/null"
    ok "etcdctl's old words work" taskbox verify --lab="$LAB" cluster-health
    ok "stop master2" lab stop master2
    fails_with 2 "verify fails with exit code 2 while a master is away" taskbox verify --lab="$LAB"
    says "it names the master" 'master2'
    says "it says that quorum holds" 'quorum holds'
    ok "start master2" lab start master2
    ok "verify is fine again without a re-install" within 120 taskbox verify --lab="$LAB"
}

case_virtual_address_moves() {
    local holder other
    holder=$(for h in lb1 lb2; do if [[ $(on "$h" 'ip -o -4 address show') == *" $(vip)/"* ]]; then echo "$h"; fi; done)
    other=$([ "$holder" = lb1 ] && echo lb2 || echo lb1)
    ok "stop haproxy on $holder" on "$holder" systemctl stop haproxy
    ok "the address moves to $other" within 60 sh -c "'$TASKBOX' lab ssh --name $LAB $other 'ip -o -4 address show' | grep '$(vip)/'"
    ok "the install mends it" install --tags loadbalancer
    ok "verify is fine" within 120 taskbox verify --lab="$LAB"
}
vip() { sed -n 's/^  address: //p' ".lab/$LAB/vars.yml"; }

case_bad_hosts() {
    local conf
    conf=$(mktemp -d)
    cp ".lab/$LAB/hosts.ini" "$conf/hosts.ini"
    cp ".lab/$LAB/vars.yml" "$conf/vars.yml"
    sed -i '/^node1 /s/ansible_ssh_pass=[^ ]*/ansible_ssh_pass=wrong/' "$conf/hosts.ini"
    sed -i '/^node2 /s/ansible_host=[^ ]*/ansible_host=192.0.2.1/' "$conf/hosts.ini"
    fails "a wrong password and an unreachable host stop the install" ./install.sh --conf "$conf" --yes
    says "the host with the wrong password is named" 'node1.*(password|log in)'
    says "the unreachable host is named" 'node2.*(192\.0\.2\.1|log in|timed out|unreachable)'
    never "nothing was changed" 'changed=[1-9]'
    ok "after the cure the install goes on" install
    rm -rf "$conf"
}

case_no_sudo() {
    local conf
    conf=$(mktemp -d)
    cp ".lab/$LAB/hosts-sudo.ini" "$conf/hosts.ini"
    cp ".lab/$LAB/vars.yml" "$conf/vars.yml"
    ok "the install works as a user with sudo" ./install.sh --conf "$conf" --yes --tags os
    on node1 'rm -f /etc/sudoers.d/ops; gpasswd -d ops sudo' >/dev/null 2>&1 || true
    fails "a host without sudo stops the install" ./install.sh --conf "$conf" --yes --tags os
    says "the host without sudo is named" 'node1.*(root|sudo)'
    never "nothing was changed" 'changed=[1-9]'
    on node1 'adduser ops sudo' >/dev/null 2>&1 || true
    rm -rf "$conf"
}

case_full_disk() {
    on lb1 'mount -t tmpfs -o size=10m tmpfs /tmp'
    fails "a full disk stops the install" install
    says "the host, the folder and what it needs are named" 'lb1 .*/tmp has [0-9]+ MB free of [0-9]+ needed'
    never "nothing was changed" 'changed=[1-9]'
    on lb1 'umount /tmp'
    ok "after the cure the install goes on" install
}

# The release as a user unpacks it, on a machine that has nothing else.
case_all_in_one() {
    local box=taskbox-lab-$LAB-one-master1
    ok "a machine of its own" taskbox lab up --name "$LAB-one" --masters 1 --nodes 0 --lb 0
    docker exec "$box" mkdir -p /opt/taskbox/bin
    tar -c install.sh scripts conf inventory playbooks roles | docker exec -i "$box" tar -x -C /opt/taskbox
    docker exec -i "$box" sh -c 'cat >/opt/taskbox/bin/taskbox && chmod 755 /opt/taskbox/bin/taskbox' <"$TASKBOX"
    docker exec -i "$box" sh -c 'cat >"/opt/taskbox/bin/taskbox-agent-$(uname -m)"' <"$(agent_file)"
    ok "all-in-one works" docker exec "$box" /opt/taskbox/install.sh all-in-one --yes
    says "it says what runs where" 'etcd +master1 '
    ok "and again" docker exec "$box" /opt/taskbox/install.sh all-in-one --yes
    says "the second run changes nothing" 'master1 .*changed=0'
    # shellcheck disable=SC2016  # the machine expands it
    ok "the name of the API server is the machine's own" docker exec "$box" sh -c 'grep -q "$(hostname -I | cut -d " " -f 1).* lb.kubesphere.local" /etc/hosts'
    ok "the machine goes away" taskbox lab down --name "$LAB-one"
}

case_bad_files() {
    local conf name
    for name in "$here"/bad-conf/*/; do
        conf=$(basename "$name")
        fails "bad input: $conf" "$TASKBOX" install --home "$root" --conf "$name" --yes
        while read -r pattern; do
            says "  says: $pattern" "$pattern"
        done <"$name/says"
        never "  no host was contacted" 'PLAY \['
    done
}

# Runs a command on a host of case_offline.
on_offline() { taskbox lab ssh --name offline "$@"; }

# The hosts of case_offline get a registry: from the bundle, filled from it, with our certificate and a password.
offline_registry() {
    local conf=$1/conf password address
    # shellcheck disable=SC2317  # called through ok
    install_registry() { taskbox install --home "$root" --conf "$conf" --yes --bundle "$bundle" "$@"; }
    mkdir "$conf"
    cp -r .lab/offline/hosts.ini .lab/offline/vars.yml .lab/offline/pki "$conf"
    printf '\n[local-registry]\nmaster1\n' >>"$conf/hosts.ini"
    on_offline node1 'ctr -n k8s.io images rm registry.k8s.io/pause:3.10.1' >/dev/null
    ok "a registry is set up and filled" install_registry
    ok "a host pulls from it by the name of the upstream" on_offline node1 'ctr -n k8s.io images list | grep -q registry.k8s.io/pause:3.10.1'
    password=$(cat "$conf/pki/registry-password")
    address=$(sed -n 's/^master1 .* ip=\([^ ]*\).*/\1/p' "$conf/hosts.ini")
    fails "nobody is let in without a password" on_offline node1 "curl -fsSk https://$address:5000/v2/_catalog"
    says "it says so" '401'
    ok "with it, and with our authority, everybody reads" on_offline node1 "curl -fsS --cacert /etc/containerd/certs.d/registry-ca.crt -u taskbox:$password https://$address:5000/v2/_catalog"
    says "the image is there" '"pause"'
    ok "the second install ends well" install_registry
    never "it changes nothing" 'changed=[1-9]'
    ok "verify looks at the registry" taskbox verify --home "$root" --conf "$conf"
    says "it says what it has" 'registry .*answers, 1 repositories'
    ok "the password is in no log" sh -c "! grep -rqF '$password' logs"
    ok "the registry goes with the cluster" taskbox uninstall --home "$root" --conf "$conf" --yes --data
    ok "nothing of it stays" on_offline master1 '! ls -d /etc/registry /var/lib/registry /etc/docker 2>/dev/null && ! getent passwd registry docker-registry'
}

# Fresh hosts of case_offline: a dry run, a disk that fills up on the way, then the install, in which the hosts give the largest file on to each other.
offline_on_fresh_hosts() {
    local hosts=(master1 node1 node2 node3 node4) host fresh largest given
    fresh=$(fingerprint on_offline "${hosts[@]}")
    ok "a dry run works through all of it with no way out" install_offline --check
    says "it lists what would change" 'changed=[1-9]'
    same "it changes nothing" "$fresh" "$(fingerprint on_offline "${hosts[@]}")"

    on_offline node1 'mkdir -p /var/lib/taskbox; mount -t tmpfs -o size=8m tmpfs /var/lib/taskbox'
    fails "a disk that fills up on the way stops the install" install_offline
    says "the host and the reason are named" 'node1.*No space left on device'
    ok "nothing of the bundle stays there" on_offline node1 '! test -e /var/lib/taskbox/bundle'
    on_offline node1 'umount /var/lib/taskbox'
    # The others have their packages now: they lose them again, so that all five ask for the largest at the same time.
    for host in "${hosts[@]}"; do on_offline "$host" 'apt-get purge -qq -y containerd >/dev/null 2>&1 || true'; done

    largest=$(find "$1" -type f -printf '%s\n' | sort -n | tail -n 1)
    given=$(offline_given "${hosts[@]}")
    ok "after the cure the base is installed with no way out" install_offline -e "bundle_public_key=$(cat "$work/key.pub")"
    given=$(($(offline_given "${hosts[@]}") - given))
    echo "note  hosts gave each other $((given / 1000000)) MB, the largest file has $((largest / 1000000)) MB"
    ok "at most three hosts took the largest file from here, the others from those" test "$given" -ge $((2 * largest))
}

# Bytes that hosts got from each other so far: all that came to them, but for what this machine sent into their network.
offline_given() {
    local host bridge got=0
    for host in "$@"; do got=$((got + $(on_offline "$host" 'cat /sys/class/net/eth0/statistics/rx_bytes' | tr -d '\r'))); done
    bridge=br-$(docker network inspect --format '{{slice .Id 0 12}}' taskbox-lab-offline)
    echo $((got - $(cat "/sys/class/net/$bridge/statistics/tx_bytes")))
}

# From a bundle made of Debian's packages, onto hosts in a network that leads nowhere.
case_offline() {
    local work bundle at=$SECONDS
    work=$(mktemp -d)
    bundle=$work/base.bundle
    offline() { taskbox "$@" --name offline; }
    # shellcheck disable=SC2317  # called through ok and fails
    install_offline() { taskbox install --home "$root" --lab=offline --yes --bundle "$bundle" "$@"; }
    offline lab down >/dev/null 2>&1 || true
    mkdir -p "$work/from"
    # A host of the online lab knows what it would fetch, with all that it depends on.
    offline lab up --masters 1 --nodes 0 --lb 0 >/dev/null 2>&1
    taskbox lab ssh --name offline master1 "apt-get update -qq >/dev/null; apt-get install --print-uris -qq -y --no-install-recommends \
        etcd-server etcd-client containerd runc containernetworking-plugins haproxy keepalived psmisc socat conntrack ipset ebtables ethtool docker-registry nfs-common" |
        sed -n "s/^'\([^']*\)'.*/\1/p" | (cd "$work/from" && xargs -n 1 -P 4 curl -fsSLO)
    offline lab down >/dev/null
    python3 "$here/image-archive.py" "$work/from/pause.tar" registry.k8s.io/pause:3.10.1
    ok "a bundle is made of packages and an image" taskbox bundle build --from "$work/from" --kubernetes 1.36.2 -o "$bundle"
    says "it says what is found" 'found +etcd-server'
    says "it says what is missing" 'missing +kubeadm 1.36.2'
    taskbox bundle build --from "$work/from" --kubernetes 1.36.2 -o "$work/again.bundle" >/dev/null
    same "the same folder gives the same bytes" "$(sha256sum <"$bundle")" "$(sha256sum <"$work/again.bundle")"

    ok "a lab without a way out comes up" offline lab up --masters 1 --nodes 4 --lb 0 --offline
    fails "nothing can be fetched from it" taskbox lab ssh --name offline node1 \
        'apt-get -q -o APT::Update::Error-Mode=any -o Acquire::Retries=0 -o Acquire::http::Timeout=3 -o Acquire::https::Timeout=3 update'
    fails "no name is resolved in it" taskbox lab ssh --name offline node1 'timeout 3 getent hosts example.com'

    head -c 3000000 "$bundle" >"$work/short.bundle"
    fails "a truncated bundle is refused" taskbox install --home "$root" --lab=offline --yes --bundle "$work/short.bundle"
    says "it says so" 'damaged|not whole'
    never "no host was contacted" 'PLAY \['
    cp "$bundle" "$work/bad.bundle"
    printf X | dd of="$work/bad.bundle" bs=1 seek=2000000 conv=notrunc status=none
    fails "a tampered bundle is refused" taskbox install --home "$root" --lab=offline --yes --bundle "$work/bad.bundle"
    says "it names the file" 'packages/.*damaged'
    ok "a key is made" taskbox bundle key "$work/key"
    fails "an unsigned bundle is refused where a key is configured" install_offline -e "bundle_public_key=$(cat "$work/key.pub")"
    says "it says why" 'not signed'
    ok "it is signed" taskbox bundle sign "$bundle" --key "$work/key"

    offline_on_fresh_hosts "$work/from"
    ok "hosts with volumes on an NFS server get what mounts them" install_offline --tags bundle -e nfs_client_enabled=true
    ok "it is there" on_offline node1 'dpkg --status nfs-common | grep -q "^Status: install ok installed"'
    ok "the image is there" taskbox lab ssh --name offline node1 'ctr -n k8s.io images list | grep -q registry.k8s.io/pause:3.10.1'
    ok "nothing of the package source stays" taskbox lab ssh --name offline node1 '! test -e /var/lib/taskbox/bundle && ! grep -rq taskbox /etc/apt'
    ok "the second install ends well" install_offline
    never "it changes nothing" 'changed=[1-9]'
    offline_registry "$work" "$bundle"
    offline lab down >/dev/null
    rm -rf "$work"
    echo "note  offline case $((SECONDS - at)) s"
}

standins() {
    build_standins
    standin_vars "$root/target/standins" >".lab/$LAB/kubernetes.yml"
}
# The second half: storage, an addon in each form, KubeSphere.
with_kubesphere() {
    cat >".lab/$LAB/hello.yaml" <<'VARS'
apiVersion: v1
kind: ConfigMap
metadata: {name: hello, namespace: default}
data: {who: addon}
VARS
    cat >".lab/$LAB/kubesphere.yml" <<'VARS'
kubesphere_enabled: true
local_volume_enabled: true
addons:
  - {name: hello, manifests: [hello.yaml], wait: false}
  - {name: second-core, namespace: second, wait: 60, chart: {name: ks-core, values: {console: {nodePort: 30881}, redis: {persistentVolume: {size: 1Gi}}}}}
VARS
}
cluster() { install -e "@.lab/$LAB/kubernetes.yml" "$@"; }

case_cluster_install() {
    ok "the stand-ins are built" standins
    ok "a dry run works through Kubernetes, too" cluster --check --tags preflight,kubernetes
    fails "a version that the programs are not is refused" cluster --tags preflight,kubernetes -e kube_version=v1.35.1
    says "kubeadm's own words are shown" 'only supports deploying v1.36.2'
    ok "Kubernetes is installed, the masters one at a time" cluster
    ok "the second install ends well" cluster
    never "the second install changes nothing" 'changed=[1-9]'
}

case_cluster_kubesphere() {
    local at=$SECONDS
    with_kubesphere
    # shellcheck disable=SC2317  # called through ok and fails
    kubesphere() { cluster -e "@.lab/$LAB/kubesphere.yml" "$@"; }
    fails "no default storage class stops it before anything runs" kubesphere -e '{"local_volume_is_default_class": false}'
    says "it says what KubeSphere needs" 'KubeSphere needs a storage class that is the default'
    never "nothing was changed" 'changed=[1-9]'
    ok "storage, addons and KubeSphere 4 are installed" kubesphere
    says "the phases are those that users know" '^  3\. Installing KubeSphere '
    says "the box shows the console" '^Console: http://[0-9.]+:30880'
    says "and a password that was made" '^Password: [A-Za-z0-9]{16} '
    ok "the password is in no log" sh -c "! grep -rqF \"\$(cat .lab/$LAB/pki/kubesphere.password)\" logs"
    ok "the addons are there" on master1 'kubectl get configmap hello && kubectl get deployment redis --namespace second'
    ok "the second install ends well" kubesphere
    never "it changes nothing" 'changed=[1-9]'
    ok "verify is fine" within 120 taskbox verify --lab="$LAB"
    says "a claim is bound" 'the class local binds a claim'
    says "the console answers" 'console +http://[0-9.]+:30880 answers'
    fails "a volume that nobody makes is named while it is waited for, and at the end" kubesphere --tags preflight,kubernetes \
        -e '{"addons": [{"name": "waits", "namespace": "waits", "wait": 30, "chart": {"name": "ks-core", "values": {"console": {"nodePort": 30882}}}}]}' \
        -e '{"local_volume_is_default_class": false, "kubesphere_storage_class": "local"}'
    says "the pod and its reason" 'redis-0 \(.*unbound immediate PersistentVolumeClaims'
    ok "the default class comes back" kubesphere --tags preflight,kubernetes
    ok "KubeSphere 3 is installed by ks-installer" kubesphere -e ks_version=v3.4.1 -e kubesphere_registry=registry.example.com -e '{"sonarqube_enabled": true}' \
        --tags preflight,kubesphere
    says "what it does not have is named" 'sonarqube_enabled is not part of KubeSphere v3.4.1'
    echo "note  storage and KubeSphere $((SECONDS - at)) s"
}

case_cluster_verify() {
    ok "verify looks at Kubernetes" within 240 taskbox verify --lab="$LAB"
    says "every host is ready, and it says who plays Kubernetes" '6 of 6 ready.*stand-in'
    says "both leases are held" 'scheduler master[1-3], controller manager master[1-3]'
    says "every master is behind the service" 'endpoints of the API'
    ok "kubectl works for root on a master" on master2 'kubectl get nodes'
    # shellcheck disable=SC2016  # the host expands it
    ok "the kubelet comes back when it is killed" on node1 'systemctl kill --signal=KILL kubelet; for n in $(seq 20); do sleep 1; systemctl is-active --quiet kubelet && exit 0; done; exit 1'
    on master3 'systemctl stop kubelet' >/dev/null 2>&1
    ok "kubectl on a master outlives that master's API server" within 120 taskbox lab ssh --name "$LAB" master3 'kubectl get nodes'
    fails_with 2 "verify tells that it is away" taskbox verify --lab="$LAB"
    says "by name" 'master3.*(kubelet|API server)'
    on master3 'systemctl start kubelet' >/dev/null 2>&1
    ok "all is well again" within 240 taskbox verify --lab="$LAB"
}

case_cluster_settings() {
    ok "a changed setting of the kubelet goes to every host" cluster -e kubelet_max_pods=120
    for host in master1 node3; do
        ok "$host has it" on "$host" 'grep -q "maxPods.*120" /var/lib/kubelet/config.yaml'
    done
    ok "once more" cluster -e kubelet_max_pods=120
    never "it changes nothing" 'changed=[1-9]'
}

case_cluster_broken_join() {
    for host in master3 node3; do on "$host" 'touch /etc/kubernetes/unfinished' >/dev/null; done
    # What flannel and its plugin leave of a first join: the host gets another part of the pods' network under its new entry.
    on node3 'ip link add cni0 type bridge; mkdir -p /run/flannel; echo FLANNEL_SUBNET=10.233.70.1/24 >/run/flannel/subnet.env' >/dev/null
    ok "a join that did not end is begun anew" cluster
    ok "nothing of the host's old part of the pods' network stays" on node3 '! ip link show cni0 2>/dev/null && ! test -e /run/flannel/subnet.env'
    ok "all is well again, etcd's data with it" within 240 taskbox verify --lab="$LAB"
}

case_cluster_add_nodes() {
    ok "a fourth worker is there" lab up --masters 3 --nodes 4 --lb 2
    ok "it joins" ./add-nodes.sh --lab="$LAB" -e "@.lab/$LAB/kubernetes.yml"
    says "it was prepared" 'node4 .*changed=[1-9]'
    says "the others learned its name only" 'node1 .*changed=1 '
    ok "all seven are ready" within 240 taskbox verify --lab="$LAB"
    ok "a second call finds nothing to do" ./add-nodes.sh --lab="$LAB" -e "@.lab/$LAB/kubernetes.yml"
    never "it changes nothing" 'changed=[1-9]'
}

case_cluster_drill() {
    ok "each master may be stopped" taskbox drill --lab="$LAB" --yes --down 8
    says "the table says so, for the console, too" 'console away'
    says "every master may go" 'ok +master3 .* intact'
}

case_cluster_uninstall() {
    local after
    fails "it asks, and does nothing where nobody can answer" ./uninstall.sh --lab="$LAB"
    ok "the cluster goes away" ./uninstall.sh --lab="$LAB" --yes --data
    after=$(fingerprint on "${HOSTS[@]}")
    same "files, packages and units are those of the fresh hosts" "$(lasting <"$FRESH")" "$(lasting <<<"$after")"
}

case_lab_down() {
    ok "the lab goes away" lab down
    same "nothing of it stays" "" "$(docker ps -aq --filter "name=taskbox-lab-$LAB-")"
}

# shellcheck source=scripts/find-taskbox.sh
here=$root . "$root/scripts/find-taskbox.sh"
here=$root/tests/e2e
trap 'lab down >/dev/null 2>&1 || true; taskbox lab down --name "$LAB-one" >/dev/null 2>&1 || true; taskbox lab down --name offline >/dev/null 2>&1 || true' EXIT
cases=${*:-lab_up check_changes_nothing install keys_stay_closed verify virtual_address_moves bad_hosts no_sudo full_disk bad_files cluster_install cluster_kubesphere cluster_verify cluster_settings cluster_broken_join cluster_add_nodes cluster_drill cluster_uninstall offline lab_down all_in_one}
for name in $cases; do
    "case_$name"
done
trap - EXIT
finish
