# SPDX-License-Identifier: Apache-2.0
# Each check is one ctest. run.py feeds it bad samples first, so a blind check fails.

find_package(Python3 COMPONENTS Interpreter)
if(NOT Python3_FOUND)
    message(STATUS "no Python: no lint")
    return()
endif()

function(md_lint name)
    add_test(NAME lint/${name}
        COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/lint/run.py ${name}
                ${PROJECT_SOURCE_DIR} ${ARGN})
    set_tests_properties(lint/${name} PROPERTIES LABELS lint TIMEOUT 60)
endfunction()

md_lint(layers)
md_lint(cloexec)
md_lint(banned)
md_lint(shape)
md_lint(format)
if(EXISTS ${PROJECT_SOURCE_DIR}/README.md)
    md_lint(readme)
endif()
md_lint(manual)
if(TARGET minidock)
    md_lint(dynamic $<TARGET_FILE:minidock> $<BOOL:${MINIDOCK_SANITIZE}>)
endif()
