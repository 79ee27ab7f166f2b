# SPDX-License-Identifier: Apache-2.0
# tests/e2e/*.bats: one ctest each, driving the programs of this build tree.

if(NOT TARGET minidock)
    return()
endif()
find_program(BATS bats)
if(NOT BATS)
    message(STATUS "no bats: no end-to-end tests")
    return()
endif()

set(environment
    MINIDOCK=$<TARGET_FILE:minidock>
    MINIDOCK_SOURCE=${PROJECT_SOURCE_DIR}
    MINIDOCK_BUILD=${PROJECT_BINARY_DIR}
    BATS_LIB_PATH=${CMAKE_CURRENT_SOURCE_DIR}/e2e)
if(TARGET minidock-image)
    list(APPEND environment MINIDOCK_IMAGE=$<TARGET_FILE:minidock-image>)
endif()
if(TARGET inside)
    list(APPEND environment MINIDOCK_INSIDE=$<TARGET_FILE:inside>)
endif()
if(MINIDOCK_SANITIZE)
    list(APPEND environment MINIDOCK_SANITIZED=1)
endif()

file(GLOB suites CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/e2e/*.bats)
foreach(suite IN LISTS suites)
    get_filename_component(name ${suite} NAME_WE)
    add_test(NAME e2e/${name} COMMAND ${BATS} --print-output-on-failure ${suite})
    set_tests_properties(e2e/${name} PROPERTIES
        LABELS e2e TIMEOUT 600 ENVIRONMENT "${environment}")
    # Those with a box of their own mostly wait; the others look at the machine's processes and
    # mounts, and want it for themselves.
    if(NOT name MATCHES "^(hub|import|pull)")
        set_tests_properties(e2e/${name} PROPERTIES RUN_SERIAL ON)
    endif()
endforeach()
