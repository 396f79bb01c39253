#!/bin/sh
# Turns a Debian base system into the lab host image. Runs once, inside a container, with the recipe in the folder of this file:
#   packages                what to install, one name a line
#   lab-init                what runs before systemd
#   rootfs/                 files copied as they are
#   machine/                the operator's apt sources, keyrings and options, laid out as below /
#   ca/*.crt                the operator's extra certificate authorities
set -eu
here=$(dirname "$0")
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# The archive may be reachable only through a proxy that signs with the operator's own authority: trust it before the first download.
mkdir -p /usr/local/share/ca-certificates /etc/ssl/certs
for ca in "$here"/ca/*.crt; do
    [ -e "$ca" ] || continue
    cp "$ca" /usr/local/share/ca-certificates/
    cat "$ca" >>/etc/ssl/certs/ca-certificates.crt
done

# The operator's sources replace those of the base image, if there are any for this suite.
if [ -e "$here/machine/etc/apt/sources.list.d" ]; then
    rm -rf /etc/apt/sources.list /etc/apt/sources.list.d
fi
[ ! -d "$here/machine" ] || cp -R "$here/machine/." /

# No daemon starts while the image is made.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get update
# shellcheck disable=SC2046  # one word a package
apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io $(sed 's/#.*//' "$here/packages")
update-ca-certificates
rm -f /usr/sbin/policy-rc.d

cp -R "$here/rootfs/." /
install -m 755 "$here/lab-init" /usr/local/sbin/lab-init
useradd --create-home --shell /bin/bash --groups sudo ops

# Units that need a real machine, and timers that would hold apt's lock while a test runs.
systemctl mask \
    apt-daily.timer apt-daily-upgrade.timer console-getty.service dev-hugepages.mount getty.target \
    sys-fs-fuse-connections.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount

# Every host makes its own identity at its first boot (lab-init).
rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id
: >/etc/machine-id
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
