# SPDX-License-Identifier: Apache-2.0
# tests/fuzz/<parser>.c: one libFuzzer program each.

file(GLOB targets CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/*.c)
foreach(file IN LISTS targets)
    get_filename_component(name ${file} NAME_WE)
    if(NOT name MATCHES "^fuzz_")
        set(name fuzz_${name})
    endif()
    add_executable(${name} ${file})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(${name} PRIVATE md_pull md_cli)
endforeach()
