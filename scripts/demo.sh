#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds minidock and runs a container with it. Needs Debian (or the packages it names) and root or
# sudo. Everything it makes lies below build/: the programs, and a store of its own in build/demo.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The store belongs to root, hence the explicit --root instead of the environment.
minidock() {
    printf '\n$ minidock %s\n' "$*"
    as_root "$BUILD/release/bin/minidock" --root "$BUILD/demo" "$@"
}

# Debian's static BusyBox with its usual links, as a directory.
make_busybox_root() {
    local root="$1" busybox applet

    busybox="$(static_busybox)" || die "no static BusyBox: apt-get install busybox-static"
    rm -rf "$root"
    mkdir -p "$root"/{bin,etc,root,tmp}
    cp "$busybox" "$root/bin/busybox"
    for applet in $("$busybox" --list); do
        [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"
    done
    printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\n' >"$root/etc/group"
}

# shellcheck disable=SC2016 # $$ and hostname are the container's own
show() {
    minidock images
    minidock run --rm "$1" /bin/sh -c \
        'echo "process $$ on host $(hostname), root file system:"; ls /; echo "processes:"; ps'
}

mkdir -p "$BUILD"
install_packages build run
build release minidock minidock-image

step "the store of this demo is $BUILD/demo; the default one, /var/lib/minidock, is not touched"
if minidock pull alpine; then
    show alpine
else
    step "no registry in reach: a BusyBox root made on this machine takes alpine's place"
    make_busybox_root "$BUILD/busybox-root"
    minidock import -c 'CMD ["/bin/sh"]' "$BUILD/busybox-root" busybox
    show busybox
fi
