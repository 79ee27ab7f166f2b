# SPDX-License-Identifier: Apache-2.0
# tests/<module>/test_<file>.c: one program each, linked with its module and cmocka. What else lies
# in such a folder is shared by the tests of that module.

# Who only wants to build and install needs no cmocka; scripts/test.sh installs it.
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
if(NOT CMOCKA_FOUND)
    message(STATUS "no cmocka: no unit tests")
    return()
endif()

foreach(module IN ITEMS base store pull run files cli)
    set(folder ${CMAKE_CURRENT_SOURCE_DIR}/${module})
    file(GLOB files CONFIGURE_DEPENDS ${folder}/*.c)
    set(tests ${files})
    list(FILTER tests INCLUDE REGEX "/test_[^/]*\\.c$")
    set(shared ${files})
    list(FILTER shared EXCLUDE REGEX "/test_[^/]*\\.c$")
    foreach(test IN LISTS tests)
        get_filename_component(name ${test} NAME_WE)
        if(TARGET ${name})
            string(REGEX REPLACE "^test_" "test_${module}_" name ${name})
        endif()
        add_executable(${name} ${test} ${shared})
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
        target_include_directories(${name} PRIVATE ${folder})
        target_compile_definitions(${name} PRIVATE TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/data")
        target_link_libraries(${name} PRIVATE md_${module} PkgConfig::CMOCKA)
        if(module STREQUAL "pull")
            # They compress what the module is to decompress.
            target_link_libraries(${name} PRIVATE PkgConfig::ZLIB PkgConfig::ZSTD)
        endif()
        add_test(NAME ${module}/${name} COMMAND ${name})
        set_tests_properties(${module}/${name} PROPERTIES LABELS unit TIMEOUT 120)
    endforeach()
endforeach()
