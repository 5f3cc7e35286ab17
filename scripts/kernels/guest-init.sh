#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# First program of a guest: makes the host's root, read-only over 9p, the root of the guest with a writable layer in
# memory on top of it, and goes on with guest-session.sh there. Standard output is the kernel's console.
export PATH=/bin
/bin/busybox --install -s /bin

fail() {
  echo "guest: $*"
  poweroff -f
}

while read -r module; do
  insmod "/modules/$module" || fail "cannot insert $module"
done <insert-order

mkdir /lower /layers /whole /newroot
mount -t 9p -o "ro,trans=virtio,version=9p2000.L,$(cat root-options)" hostroot /lower ||
  fail 'cannot mount the root of the host'
mount -t tmpfs -o size=1G,mode=755 layers /layers || fail 'cannot mount a tmpfs'
mkdir /layers/upper /layers/work
mount -t overlay -o lowerdir=/lower,upperdir=/layers/upper,workdir=/layers/work overlay /newroot ||
  fail 'cannot mount the overlay'

# These start empty; but what the run needs of the host's own is put back in its place.
mount --bind /newroot /whole
mount -t tmpfs -o size=1G,mode=1777 tmp /newroot/tmp
mount -t tmpfs -o size=256M,mode=755 run /newroot/run
while read -r path; do
  mkdir -p "/newroot$path"
  mount --bind "/whole$path" "/newroot$path" || fail "cannot show $path of the host"
done <keep

release=$(uname -r)
mkdir -p "/newroot/lib/modules/$release" /newroot/run/libtrace/bin
cp -r /modules/. "/newroot/lib/modules/$release/"
cp /bin/busybox /newroot/run/libtrace/bin/
cp session.sh /newroot/run/libtrace/
exec switch_root /newroot /run/libtrace/bin/busybox sh /run/libtrace/session.sh
