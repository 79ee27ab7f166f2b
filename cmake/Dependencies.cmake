# SPDX-License-Identifier: Apache-2.0
# Third-party libraries. scripts/packages.txt names the Debian packages that hold them.

find_package(PkgConfig REQUIRED)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.85)
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive>=3.4)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.10)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto>=1.1.1)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd>=1.4)
# Looked for now, so that its absence is noticed; nothing links it yet.
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp>=2.5)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)

set(HAVE_ISAL OFF)
if(MINIDOCK_ISAL STREQUAL "AUTO")
    pkg_check_modules(ISAL IMPORTED_TARGET libisal)
    set(HAVE_ISAL ${ISAL_FOUND})
elseif(NOT MINIDOCK_ISAL STREQUAL "OFF")
    message(FATAL_ERROR "MINIDOCK_ISAL is \"${MINIDOCK_ISAL}\", expected AUTO or OFF")
endif()

# One jansson for the whole tree: its archive where there is one, else the shared library.
# Sanitizer builds take the shared one.
add_library(md_jansson INTERFACE)
set(jansson_archive jansson_archive-NOTFOUND)
if(MINIDOCK_STATIC_JANSSON AND NOT MINIDOCK_SANITIZE AND NOT MINIDOCK_FUZZ)
    find_library(JANSSON_ARCHIVE libjansson.a HINTS ${JANSSON_LIBRARY_DIRS})
    set(jansson_archive ${JANSSON_ARCHIVE})
endif()
if(jansson_archive)
    target_link_libraries(md_jansson INTERFACE ${jansson_archive})
    target_include_directories(md_jansson INTERFACE ${JANSSON_INCLUDE_DIRS})
    message(STATUS "jansson: linked from ${jansson_archive}")
else()
    target_link_libraries(md_jansson INTERFACE PkgConfig::JANSSON)
    message(STATUS "jansson: shared library")
endif()
# With jansson's archive minidock can do without any shared library: loading them is a tenth of a
# container's start. It looks up no names through NSS, so nothing is lost.
set(minidock_static OFF)
if(MINIDOCK_STATIC AND jansson_archive)
    include(CheckCSourceCompiles)
    set(CMAKE_REQUIRED_LINK_OPTIONS -static-pie)
    check_c_source_compiles("int main(void) { return 0; }" MINIDOCK_STATIC_PIE_WORKS)
    unset(CMAKE_REQUIRED_LINK_OPTIONS)
    set(minidock_static ${MINIDOCK_STATIC_PIE_WORKS})
endif()
if(HAVE_ISAL)
    message(STATUS "gzip: ISA-L")
else()
    message(STATUS "gzip: zlib")
endif()
