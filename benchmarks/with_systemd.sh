#!/bin/sh
# Runs a command under a systemd of its own, on a machine that has none running (a container). Root.
#   sh benchmarks/with_systemd.sh COMMAND ...
# Processes, mounts and names are of its own; network and files, save /run, are the machine's.
set -eu
unshare --pid --fork --kill-child --mount --mount-proc --uts --ipc --cgroup sh -c '
    mount --make-rprivate / && mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/systemd/system /run/lock
    for unit in tmp.mount systemd-tmpfiles-setup.service systemd-tmpfiles-clean.timer \
        systemd-udevd.service systemd-udev-trigger.service systemd-sysctl.service; do
        ln -s /dev/null "/run/systemd/system/$unit"
    done
    container=stateviz exec /lib/systemd/systemd --system --unit=sysinit.target --log-target=null
' </dev/null >/dev/null 2>&1 &
outer=$!
trap 'kill -KILL "$outer"' EXIT
trap 'exit 143' TERM INT
inner=
for _ in $(seq 50); do
    sleep 0.2
    inner=$(cat "/proc/$outer/task/$outer/children" 2>/dev/null | tr -d ' ') || true
    [ -n "$inner" ] && [ "$(cat "/proc/$inner/comm")" = systemd ] &&
        nsenter --all --target "$inner" systemctl is-active --quiet sysinit.target && break
done
nsenter --all --target "$inner" systemctl start dbus.socket
nsenter --all --wd="$PWD" --target "$inner" "$@"
