#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# PID 1 of a guest, in the host's root: mounts what a Linux machine has, runs /run/libtrace/control/command.sh with its
# output on the virtio port, leaves its exit status in control/exit-code and switches the guest off.
here=/run/libtrace
control=$here/control
export PATH=$here/bin
# First of all: until then /proc is the host's own, seen over 9p, where "self" is qemu.
$here/bin/busybox mount -t proc -o nosuid proc /proc
$here/bin/busybox --install -s $here/bin

fail() {
  echo "guest: $*"
  poweroff -f
}
mounted() {
  mkdir -p "$4"
  mount -t "$1" -o "$2" "$3" "$4" || fail "cannot mount $4"
}

mounted devtmpfs mode=755 devtmpfs /dev
exec </dev/null >/dev/console 2>&1
mounted sysfs nosuid sysfs /sys
mounted devpts mode=620,ptmxmode=666,gid=5 devpts /dev/pts
mounted tmpfs size=512M,mode=1777 shm /dev/shm
mounted tracefs mode=700 tracefs /sys/kernel/tracing
mounted debugfs mode=700 debugfs /sys/kernel/debug
mounted bpf mode=700 bpf /sys/fs/bpf
mounted securityfs nosuid securityfs /sys/kernel/security
mounted cgroup2 nsdelegate cgroup2 /sys/fs/cgroup
for link in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do
  ln -s "/proc/self/${link#*:}" "/dev/${link%:*}"
done
mkdir -p -m 1777 /run/lock

share=trans=virtio,version=9p2000.L,msize=131072,cache=none,access=any
mounted 9p $share control $control
if [ -e $control/with-output ]; then
  mounted 9p $share output $here/output
fi

hostname libtrace-guest
printf '%s\n' '127.0.0.1 localhost libtrace-guest' '::1 localhost ip6-localhost' >/etc/hosts
ip link set lo up || fail 'cannot bring lo up'
# What systemd gives a service: a high limit that a server may raise itself to.
ulimit -Hn 524288
ulimit -Sn 1024

tries=0
until port=$(ls /sys/class/virtio-ports) && [ -n "$port" ]; do
  tries=$((tries + 1))
  [ $tries -lt 100 ] || fail 'no virtio port'
  sleep 0.1
done
mkfifo $here/to-host
cat <$here/to-host >/dev/$port &
pump=$!

: >$control/started
setsid sh $control/command.sh </dev/null >$here/to-host 2>&1
echo $? >$control/exit-code

# A program left behind may hold the pipe open: its output is not waited for.
(
  sleep 2
  kill $pump
) 2>/dev/null &
wait $pump
sync
poweroff -f
