# SPDX-License-Identifier: Apache-2.0
# cmake --install puts everything where a distribution would, below DESTDIR.

load helpers

setup() {
    need_minidock
    need_command cmake
}

@test "cmake --install with DESTDIR puts each file into its place and nothing anywhere else" {
    export DESTDIR="$BATS_TEST_TMPDIR/root"
    cmake --install "$MINIDOCK_BUILD" --prefix /usr >/dev/null
    run find "$DESTDIR" ! -type d -printf '%P %m\n'
    for file in "usr/bin/minidock 755" "usr/libexec/minidock/minidock-image 755" \
        "usr/share/man/man1/minidock.1 644"; do
        grep -qx "$file" <<<"$output"
    done
    ! grep -Evx '(usr/bin/minidock|usr/libexec/minidock/minidock-image) 755|(usr/share/man/man1/minidock\.1|(usr/)?lib/systemd/system/minidock\.service) 644' <<<"$output"
    "$DESTDIR/usr/bin/minidock" --version
    "$DESTDIR/usr/libexec/minidock/minidock-image" --version
}
