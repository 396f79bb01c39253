# shellcheck shell=bash
# Kubernetes with stand-ins (tests/doubles): order, arguments, certificates, leases and load balancing are real, containers are not.

# The agent that belongs to $TASKBOX: of a release, or built from this checkout.
agent_file() {
    local released
    released=$(dirname "$TASKBOX")/taskbox-agent-$(uname -m)
    [ -f "$released" ] || released=$(dirname "$TASKBOX")/../agent/taskbox-agent
    echo "$released"
}

# Builds them into target/standins: kubeadm, kubelet, helm, the chart of KubeSphere, and the real kubectl.
build_standins() {
    local folder=target/standins target
    target=target/$(rustc -vV | sed -n 's/^host: //p')
    mkdir -p "$folder/charts"
    cargo build --quiet --package kubernetes-standin
    strip -o "$folder/kubeadm" "$target/debug/kubernetes-standin"
    cp "$folder/kubeadm" "$folder/kubelet"
    cp "$folder/kubeadm" "$folder/helm"
    tar -C tests/doubles -czf "$folder/charts/ks-core-1.1.3.tgz" ks-core
    # kubectl is the real one, of Debian's package.
    if [ ! -x "$folder/kubectl" ]; then
        (cd "$folder" && apt-get -qq download kubernetes-client 2>/dev/null && dpkg-deb -x kubernetes-client_*.deb deb)
        mv "$folder/deb/usr/bin/kubectl" "$folder/kubectl"
        rm -rf "$folder/deb" "$folder"/*.deb
    fi
}

# standin_vars FOLDER: the settings that install from them; KubeSphere comes when a case asks for it.
standin_vars() {
    cat <<VARS
kubernetes_source: path
kubernetes_path: $1
kubeadm_ignore_preflight_errors: [SystemVerification, ExternalEtcdVersion]
kubesphere_enabled: false
VARS
}
