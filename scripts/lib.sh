# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by demo.sh and test.sh: Debian packages, privilege and the build.

SOURCE="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
BUILD="${MINIDOCK_BUILD_DIR:-$SOURCE/build}"
FETCHED="$BUILD/packages"
APT_UPDATED=0

step() {
    printf '\n==> %s\n' "$*"
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "needs root for: $*"
    fi
}

# packages SECTION...: the names in those sections of packages.txt.
packages() {
    local wanted=" $* " section="" line

    while read -r line; do
        case "$line" in
        "" | "#"*) ;;
        "["*"]")
            section="${line#[}"
            section="${section%]}"
            ;;
        *) [[ "$wanted" == *" $section "* ]] && printf '%s\n' "$line" ;;
        esac
    done <"$SOURCE/scripts/packages.txt"
    return 0
}

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Once, and only when something is to be fetched.
apt_update() {
    [ "$APT_UPDATED" = 0 ] || return 0
    APT_UPDATED=1
    as_root apt-get -q update || printf 'apt-get update failed; going on with the lists at hand\n' >&2
}

# install_packages SECTION...: installs what is missing; where there is no apt, says what is needed.
install_packages() {
    local name missing=()

    if ! command -v apt-get >/dev/null; then
        printf 'not a Debian system; needed, by their Debian names:\n' >&2
        packages "$@" | sed 's/^/    /' >&2
        return 0
    fi
    while read -r name; do
        installed "$name" || missing+=("$name")
    done < <(packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    step "installing ${missing[*]}"
    apt_update
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y --no-install-recommends install "${missing[@]}"
}

# fetch_package NAME: unpacks a package below $FETCHED; nothing is installed, no service started.
fetch_package() {
    local target="$FETCHED/$1" downloads="$FETCHED/.downloads/$1"

    [ ! -d "$target" ] || return 0
    command -v apt-get >/dev/null || return 1
    step "fetching $1 into $target"
    rm -rf "$downloads"
    mkdir -p "$downloads"
    # apt downloads as a user of its own, which may not enter every checkout.
    if ! (cd "$downloads" && apt-get -q download "$1" 2>/dev/null); then
        apt_update
        (cd "$downloads" && apt-get -q download "$1") || return 1
    fi
    dpkg-deb -x "$downloads"/*.deb "$target.new"
    mv "$target.new" "$target"
    rm -rf "$downloads"
}

# static_busybox: prints the path of a static BusyBox, Debian's.
static_busybox() {
    local path

    if installed busybox-static; then
        command -v busybox
        return
    fi
    fetch_package busybox-static >&2 || return 1
    for path in "$FETCHED"/busybox-static/{usr/bin,bin}/busybox; do
        if [ -x "$path" ]; then
            printf '%s\n' "$path"
            return
        fi
    done
    return 1
}

# build PRESET [TARGET...]
build() {
    local preset="$1"

    shift
    step "building preset $preset in $BUILD/$preset"
    cmake -S "$SOURCE" --preset "$preset" -B "$BUILD/$preset" >"$BUILD/$preset.configure.log" 2>&1 ||
        { cat "$BUILD/$preset.configure.log" >&2; die "configuring preset $preset failed"; }
    cmake --build "$BUILD/$preset" --parallel "$(nproc)" ${1+--target "$@"}
}
