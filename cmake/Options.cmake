# SPDX-License-Identifier: Apache-2.0
# Language, warnings, hardening and sanitizers, carried by one target that every other target links.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Kind of build" FORCE)
endif()
# Assertions stay in: they guard against mistakes of our own, in a program that runs as root.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")

option(MINIDOCK_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(MINIDOCK_FUZZ "Build the libFuzzer targets of tests/fuzz (needs clang)" OFF)
option(MINIDOCK_WERROR "Treat warnings as errors" ON)
set(MINIDOCK_ISAL AUTO CACHE STRING "Inflate gzip with ISA-L where it is found (AUTO) or with zlib (OFF)")
set_property(CACHE MINIDOCK_ISAL PROPERTY STRINGS AUTO OFF)
option(MINIDOCK_STATIC_JANSSON
       "Link minidock with jansson's static archive: each shared library costs start-up time" ON)
option(MINIDOCK_STATIC "Link minidock itself statically, where jansson's archive is there" ON)

add_library(md_options INTERFACE)
target_include_directories(md_options INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(md_options INTERFACE _GNU_SOURCE MINIDOCK_VERSION="${PROJECT_VERSION}")
target_compile_options(md_options INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wformat=2
    $<$<BOOL:${MINIDOCK_WERROR}>:-Werror>)
target_link_options(md_options INTERFACE -Wl,--as-needed)

if(MINIDOCK_FUZZ AND NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "MINIDOCK_FUZZ needs clang: use `cmake --preset fuzz`")
endif()

if(MINIDOCK_SANITIZE OR MINIDOCK_FUZZ)
    set(sanitizers address,undefined)
    target_compile_options(md_options INTERFACE
        -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer
        $<$<BOOL:${MINIDOCK_FUZZ}>:-fsanitize=fuzzer-no-link>)
    target_link_options(md_options INTERFACE -fsanitize=${sanitizers})
else()
    # glibc's checks need an optimising build, or each file would warn.
    target_compile_options(md_options INTERFACE
        -fstack-protector-strong
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
        $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
    target_link_options(md_options INTERFACE -Wl,-z,relro -Wl,-z,now)
endif()

include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
