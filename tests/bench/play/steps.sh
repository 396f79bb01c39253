# The same 30 steps as play.yml in plain shell, for the floor: what one `ssh` a host costs that says no word too much. $1 is `work`.
set -eu
work=$1
changed=0

# Writes standard input to a file if it differs; $2 is its mode.
place() {
    new=$(mktemp "$(dirname "$1")/.new-XXXXXX")
    cat >"$new"
    chmod "$2" "$new"
    if cmp -s "$new" "$1"; then rm "$new"; return 1; fi
    mv "$new" "$1"
    changed=$((changed + 1))
}
# A line in a file, instead of the one that begins with $2.
line() {
    grep -qxF "$3" "$1" && return
    if grep -q "^$2" "$1"; then sed -i "s|^$2.*|$3|" "$1"; else echo "$3" >>"$1"; fi
    changed=$((changed + 1))
}

mkdir -p -m 755 "$work"
for part in conf data log; do mkdir -p -m 750 "$work/$part"; done
printf '1.2.3\n' | place "$work/VERSION" 644 || :
grep -q operator "$work/conf/motd" 2>/dev/null || printf 'You are a guest on this machine.\nMind the shop.\n' | place "$work/conf/motd" 644
reload=0 restart=0
place "$work/conf/shop.service" 644 <<'EOF' && reload=1
[Unit]
Description=The shop
After=network-online.target

[Service]
ExecStart=/usr/local/bin/shop
Restart=on-failure

[Install]
WantedBy=multi-user.target
EOF
{
    echo "# shop on $(basename "$work")"
    echo "listen = 0.0.0.0:8080"
    for peer in 10.0.0.1 10.0.0.2 10.0.0.3; do echo "peer = $peer:8080"; done
    echo "quorum = 2"
} | place "$work/conf/shop.conf" 640 && restart=1
printf 'SERVICE=SHOP\nPEERS=10.0.0.1,10.0.0.2,10.0.0.3\n' | place "$work/conf/env" 600 && restart=1
printf '10.0.0.1 peer1\n10.0.0.2 peer2\n10.0.0.3 peer3\n' | place "$work/conf/hosts" 644 || :
line "$work/conf/shop.conf" keepalive 'keepalive = 30'
for limit in FILES=65536 PROCESSES=4096 MEMORY=512M; do line "$work/conf/env" "LIMIT_${limit%=*}=" "LIMIT_$limit"; done
grep -q '^# BEGIN' "$work/conf/hosts" || printf '# BEGIN\n192.0.2.1 gateway\n192.0.2.2 mirror\n# END\n' >>"$work/conf/hosts"
grep -q 'a guest' "$work/conf/motd" && sed -i 's/a guest/an operator/' "$work/conf/motd"
[ -e "$work/data/ready" ] || touch "$work/data/ready"
kernel=$(uname -r)
uid=$(id -u)
files=$(find "$work/conf" -type f | wc -l)
stat "$work/conf/shop.conf" >/dev/null
sha256sum "$work/VERSION" >/dev/null
[ -f "$work/conf/shop.conf" ] && [ -f "$work/VERSION" ]
[ -n "$kernel" ] && [ "$files" -ge 4 ]
summary="shop on $kernel as $uid"
echo "$summary" | place "$work/data/summary" 644 || :
ln -sfn "$work/VERSION" "$work/current"
[ -e "$work/log/shop.log" ] || : | place "$work/log/shop.log" 640
rm -f "$work/conf/shop.conf.old"
back=$(base64 "$work/data/summary")
for part in conf data log; do /usr/bin/test -d "$work/$part"; done
for note in a b c; do echo $note | place "$work/data/note-$note" 644 || :; done
[ "$files" -le 100 ] || true
[ "$(echo "$back" | base64 -d)" = "$summary" ]
[ $reload = 0 ] || touch "$work/data/reloaded"
[ $restart = 0 ] || touch "$work/data/restarted"
echo "changed=$changed"
