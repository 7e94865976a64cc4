# Obtains bipft in one advertised way, HOW, builds tests/consume/main.cpp with it and runs that.
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
set(prefix ${WORK}/prefix)
set(program ${WORK}/consumer)
set(source ${SOURCE}/tests/consume/main.cpp)

if(HOW MATCHES "find_package|pkg_config")
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
endif()

if(HOW STREQUAL "include_path")  # no CMake, no flags but the language's
  run(${CXX} -std=c++20 -I ${SOURCE}/include ${source} -pthread -o ${program})
elseif(HOW STREQUAL "pkg_config")
  find_program(pkg_config pkg-config)
  if(NOT pkg_config)
    message("skipped: pkg-config is not installed")
    return()
  endif()
  set(ENV{PKG_CONFIG_PATH} ${prefix}/share/pkgconfig)
  execute_process(COMMAND ${pkg_config} --cflags --libs bipft OUTPUT_VARIABLE flags
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags)
  run(${CXX} -std=c++20 ${source} ${flags} -o ${program})
else()
  run(${CMAKE_COMMAND} -S ${SOURCE}/tests/consume/project -B ${WORK}/build -G ${GENERATOR}
      -DHOW=${HOW} -DBIPFT=${SOURCE} -DCMAKE_PREFIX_PATH=${prefix}
      -DCMAKE_CXX_COMPILER=${CXX})
  run(${CMAKE_COMMAND} --build ${WORK}/build)
  set(program ${WORK}/build/consumer)
endif()
run(${program} ${SOURCE}/tests/golden/frozen-1.bipft)
