# SPDX-License-Identifier: Apache-2.0
# md_module(base LINKS target...): the static library md_base from the .c files of this folder.

function(md_module name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;LINKS")
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
    if(NOT sources)
        # A library without sources is an error in CMake; an empty folder is none here.
        add_library(md_${name} INTERFACE)
        target_link_libraries(md_${name} INTERFACE md_options ${arg_USES})
        return()
    endif()
    add_library(md_${name} STATIC ${sources})
    target_link_libraries(md_${name} PUBLIC md_options ${arg_USES} PRIVATE ${arg_LINKS})
endfunction()
