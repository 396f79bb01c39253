#!/usr/bin/env bash
# The inputs of the guides that users come from, word for word but for the addresses: vars.yml of 2.0 with an external load balancer, common.yaml of 2.1
# and KubeKey's config-sample.yaml. The first builds the cluster (Kubernetes played by stand-ins); the others must find it as they want it. Then, on
# the same hosts, the masters' own virtual address by kube-vip. taskbox runs on master1, as in the guides.
#
# Usage: tests/e2e/seeds.sh [CASE ...]
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"
# shellcheck source=tests/e2e/expect.sh
. "$here/expect.sh"
# shellcheck source=tests/e2e/standins.sh
. "$here/standins.sh"

LAB=${LAB:-seeds}
BOX=taskbox-lab-$LAB-master1
lab() { "$TASKBOX" lab "$@" --name "$LAB"; }
on() { "$TASKBOX" lab ssh --name "$LAB" "$@"; }
box() { docker exec "$BOX" "$@"; }
install() { box /opt/taskbox/install.sh --conf /opt/taskbox/seed --yes -e @/opt/taskbox/standins.yml "$@"; }
verify() { box /opt/taskbox/bin/taskbox verify --conf /opt/taskbox/seed; }
address() { lab status --json | python3 -c 'import json, sys; print(*[h["address"] for h in json.load(sys.stdin)["hosts"] if h["name"] == sys.argv[1]])' "$1"; }

# The guides' addresses become the lab's: a file of the tests, written to the box's conf folder.
seed() {
    local from=$1 master1 master2 master3 node1 node2 node3 balancer
    shift
    read -r master1 master2 master3 node1 node2 node3 balancer <<<"$(for host in master1 master2 master3 node1 node2 node3 lb1; do address $host; done | xargs)"
    box sh -c 'mkdir -p /opt/taskbox/seed && rm -f /opt/taskbox/seed/*.ini /opt/taskbox/seed/*.y*ml'
    for file in "$@"; do
        case $from in
        3.0) set -- 2 3 4 5 6 7 253 ;;
        *) set -- 1 2 3 4 5 6 10 ;;
        esac
        sed -E "s/192\.168\.0\.$1\b/MASTER1/g; s/192\.168\.0\.$2\b/MASTER2/g; s/192\.168\.0\.$3\b/MASTER3/g; s/192\.168\.0\.$4\b/NODE1/g; s/192\.168\.0\.$5\b/NODE2/g
            s/192\.168\.0\.$6\b/NODE3/g; s/192\.168\.0\.($7|253)\b/BALANCER/g
            s/MASTER1/$master1/g; s/MASTER2/$master2/g; s/MASTER3/$master3/g; s/NODE1/$node1/g; s/NODE2/$node2/g; s/NODE3/$node3/g; s/BALANCER/$balancer/g" \
            "crates/inventory/tests/conf/seeds/$from/$file" | docker exec -i "$BOX" sh -c "cat >/opt/taskbox/seed/$file"
    done
}

# balancer HOST PORT TARGET...
balancer() {
    local host=$1 port=$2 target
    shift 2
    {
        printf 'defaults\n mode tcp\n timeout connect 5s\n timeout client 1h\n timeout server 1h\nfrontend in\n bind *:%s\n default_backend out\nbackend out\n' "$port"
        printf ' balance roundrobin\n option tcp-check\n default-server inter 2s fall 2 rise 1 on-marked-down shutdown-sessions\n'
        for target in "$@"; do printf ' server %s %s:%s check\n' "$target" "$(address "$target")" "$port"; done
    } >".lab/$LAB/$host.cfg"
    on "$host" 'apt-get -qq update && apt-get -qq install -y --no-install-recommends haproxy' >/dev/null 2>&1
    docker exec -i "taskbox-lab-$LAB-$host" sh -c 'cat >/etc/haproxy/haproxy.cfg && systemctl restart haproxy' <".lab/$LAB/$host.cfg"
}

case_lab_up() {
    local host
    lab down >/dev/null 2>&1 || true
    ok "the lab comes up" lab up --masters 3 --nodes 3 --lb 2
    # The guides' passwords, and their user.
    for host in master1 master2 master3 node1 node2 node3; do
        on "$host" 'echo root:PASSWORD | chpasswd; useradd --create-home --shell /bin/bash --groups sudo ubuntu; echo ubuntu:Testing123 | chpasswd' >/dev/null
    done
    # The load balancers are somebody else's machines, with nothing of taskbox on them: the internal one sends 6443 to the masters in turn, the
    # external one 30880 to every host.
    balancer lb1 6443 master1 master2 master3
    balancer lb2 30880 master1 master2 master3 node1 node2 node3
    # Whoever installs has logged in to each host before, and knows their keys.
    docker exec "$BOX" mkdir -p /opt/taskbox/bin /root/.ssh
    docker exec -i "$BOX" sh -c 'cat >/root/.ssh/known_hosts' <".lab/$LAB/known_hosts"
    tar -c install.sh uninstall.sh scripts conf inventory playbooks roles | docker exec -i "$BOX" tar -x -C /opt/taskbox
    docker exec -i "$BOX" sh -c 'cat >/opt/taskbox/bin/taskbox && chmod 755 /opt/taskbox/bin/taskbox' <"$TASKBOX"
    docker exec -i "$BOX" sh -c 'cat >"/opt/taskbox/bin/taskbox-agent-$(uname -m)"' <"$(agent_file)"
    build_standins
    tar -C target -c standins | docker exec -i "$BOX" tar -x -C /opt/taskbox
    # What hosts in containers need beside the guides' words, and where Kubernetes is.
    { grep -vE '^(internal_lb|loadbalancer_apiserver|  address|  port)' ".lab/$LAB/vars.yml"; standin_vars /opt/taskbox/standins; } |
        docker exec -i "$BOX" sh -c 'cat >/opt/taskbox/standins.yml'
}

# 2.0: hosts.ini and vars.yml, the load balancer at its address.
case_vars_yml() {
    local at=$SECONDS
    seed 2.0 hosts.ini vars.yml
    ok "2.0's hosts.ini and vars.yml install the cluster" install
    says "the endpoint is the guide's" "masters  master1 master2 master3  \(lb.kubesphere.local\)"
    ok "it is verified" within 120 verify
    says "six hosts are ready" '6 of 6 ready.*stand-in'
    says "the API answers behind the external load balancer" 'lb.kubesphere.local:6443 answers'
    echo "note  $((SECONDS - at)) s"
}

# 2.1: the same in common.yaml; it is the same cluster. Then KubeSphere, whose console the guide's second load balancer shows to the world.
case_common_yaml() {
    seed 2.1 hosts.ini common.yaml
    ok "2.1's common.yaml finds the cluster" install
    never "it changes nothing" 'changed=[1-9]'
    ok "it is verified" verify
    ok "KubeSphere comes on top" install -e '{"kubesphere_enabled": true, "local_volume_enabled": true}'
    says "the box shows the console" '^Console: http://[0-9.]+:30880'
    ok "the console answers behind the external load balancer" within 90 curl -fsS --noproxy '*' "http://$(address lb2):30880"
}

# 3.0: KubeKey's file, with a user who becomes root by sudo. That user gets a kubeconfig; nothing else is new.
case_config_sample() {
    seed 3.0 config-sample.yaml
    ok "KubeKey's config-sample.yaml finds the cluster" install
    says "the user gets a kubeconfig on the masters" 'master2 .*changed=[1-9]'
    says "the nodes stay as they are" 'node3 .*changed=0'
    ok "kubectl works for the user" on master2 'su - ubuntu -c "kubectl get nodes"'
    ok "the second run ends well" install
    never "it changes nothing" 'changed=[1-9]'
    ok "it is verified" verify
}

# One of the masters stops: the load balancer leaves it out, verify names it, and quorum holds.
case_a_master_is_lost() {
    ok "stop master3" lab stop master3
    ok "the API still answers behind the load balancer" within 90 box sh -c 'kubectl get nodes >/dev/null'
    fails_with 2 "verify ends with 2" verify
    says "it names the master, and quorum holds" 'quorum holds'
    ok "start master3" lab start master3
    ok "all is well again" within 240 verify
}

case_kube_vip() {
    local vip before
    vip=$(address master1 | sed 's/\.[0-9]*$/.60/')
    ok "the cluster goes away" box /opt/taskbox/uninstall.sh --conf /opt/taskbox/seed --yes --data -e @/opt/taskbox/standins.yml
    seed 2.0 hosts.ini vars.yml
    box sh -c "printf 'internal_lb: kube_vip\nloadbalancer_apiserver:\n  address: $vip\n  port: 6443\n' >/opt/taskbox/seed/vars.yml"
    ok "with kube-vip it comes again" install
    ok "it is verified" within 120 verify
    says "one master holds the address" "virtual address +$vip is held by master[1-3]\$"
    before=$(holder "$vip")
    ok "everything of the holder's control plane stops" on "$before" 'systemctl stop kubelet'
    ok "the API answers again at the address" within 180 on node1 "curl -fsSk --max-time 2 https://$vip:6443/livez"
    ok "another master holds it" test "$(holder "$vip")" != "$before"
    ok "the kubelet starts" on "$before" 'systemctl start kubelet'
    ok "all is well again" within 240 verify
    ok "the second install ends well" install
    never "it changes nothing" 'changed=[1-9]'
}
holder() {
    local host
    for host in master3 master2 master1; do
        if on "$host" 'ip -o -4 address show' | grep -qF " $1/"; then echo "$host"; fi
    done | head -n 1
}

case_lab_down() {
    ok "the lab goes away" lab down
}

# shellcheck source=scripts/find-taskbox.sh
here=$root . "$root/scripts/find-taskbox.sh"
[ -n "${KEEP:-}" ] || trap 'lab down >/dev/null 2>&1 || true' EXIT
cases=${*:-lab_up vars_yml common_yaml config_sample a_master_is_lost kube_vip lab_down}
for name in $cases; do
    "case_$name"
done
trap - EXIT
finish
