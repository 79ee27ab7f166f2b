#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds with gcc and clang, and runs every test, first on the release
# build, then under AddressSanitizer and UndefinedBehaviorSanitizer. Starts no service.
#
#   MINIDOCK_STRICT=1       a test that cannot run here is a failure
#   MINIDOCK_TEST_IMAGES    directory of real images, used where given
#   MINIDOCK_BUILD_DIR      default: build/
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# run_tests PRESET: ctest's output; with MINIDOCK_STRICT=1 a skipped test, also one among many of
# its file, is a failure.
run_tests() {
    local label log="$BUILD/$1/Testing/Temporary/LastTest.log" summary="$BUILD/$1.summary"

    step "testing preset $1"
    for label in unit e2e lint; do
        ctest --test-dir "$BUILD/$1" -N -L "$label" | grep -q 'Total Tests: [1-9]' ||
            die "preset $1 was configured without $label tests"
    done
    # More at once than there are processors: most of the long ones wait for retries.
    ctest --test-dir "$BUILD/$1" --parallel 4 --output-on-failure --no-tests=error | tee "$summary"
    if [ "${MINIDOCK_STRICT:-0}" = 1 ] &&
        grep -E '^\[  SKIPPED \] [^0-9]|^ok [0-9]+ .*# skip|^Test Skipped' "$log" >&2; then
        die "preset $1: the tests above were skipped, and MINIDOCK_STRICT=1"
    fi
}

mkdir -p "$BUILD"
[ "$(id -u)" = 0 ] || echo "not root: tests that need it will be skipped" >&2
install_packages build run test
fetch_package docker-registry || echo "no docker-registry: tests that need it will be skipped" >&2
if [ -z "${MINIDOCK_DOCKER_REGISTRY:-}" ] && [ -x "$FETCHED/docker-registry/usr/bin/docker-registry" ]; then
    export MINIDOCK_DOCKER_REGISTRY="$FETCHED/docker-registry/usr/bin/docker-registry"
fi
if [ -z "${MINIDOCK_BUSYBOX:-}" ] && busybox="$(static_busybox)"; then
    export MINIDOCK_BUSYBOX="$busybox"
fi

for preset in release dev clang zlib; do
    build "$preset"
done
for preset in release dev; do
    run_tests "$preset"
done

total=0
for preset in release dev; do
    count="$(sed -n 's/^100% tests passed, 0 tests failed out of //p' "$BUILD/$preset.summary")"
    total=$((total + count))
done
step "presets release and dev together"
echo "100% tests passed, 0 tests failed out of $total"
