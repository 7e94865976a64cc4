# Compiles the shaders into include/bipft/device/vulkan/spv/, or compares what lies there with them:
#   cmake -P shaders/generate.cmake              writes the headers
#   cmake -DCHECK=ON -P shaders/generate.cmake   fails if a header is not what would be written, where
#                                                this is the compiler that wrote it
#   cmake -DFRESH=DIR -P shaders/generate.cmake  writes them below DIR instead, by any compiler
# Needs glslangValidator (-DGLSLANG=...); and looks at the modules with spirv-val, if there is one.
cmake_minimum_required(VERSION 3.25)
get_filename_component(root ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
set(folder include/bipft/device/vulkan/spv)
find_program(GLSLANG NAMES glslangValidator glslang)
find_program(SPIRV_VAL NAMES spirv-val)
if(NOT GLSLANG)
  message("skipped: no glslangValidator")
  return()
endif()
execute_process(COMMAND ${GLSLANG} --version OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCH "[^\n]*" compiler "${said}")
string(REGEX REPLACE "^Glslang Version: *" "glslang " compiler "${compiler}")

# One line a module: its name, its source, and what is defined for it.
set(modules
  "activate activate"
  "attend attend"
  "classify classify"
  "embed embed"
  "norm norm"
  "pack pack"
  "pool pool"
  "product_bits_16 product TILE=16 BITS=1"
  "product_bits_32 product TILE=32 BITS=1"
  "product_bits_32_adders product TILE=32 BITS=1 ADDERS=1"
  "product_floats_16 product TILE=16"
  "product_floats_32 product TILE=32"
  "product_floats_32_adders product TILE=32 ADDERS=1"
  "turn turn")

# All that a source is made of, each once: its digest is that of these texts one behind the other.
function(digest_of result source)
  file(READ ${CMAKE_CURRENT_LIST_DIR}/${source}.comp text)
  string(REGEX MATCHALL "#include \"[a-z_]+[.]glsl\"" includes "${text}")
  foreach(include IN LISTS includes)
    string(REGEX REPLACE "#include \"(.*)\"" "\\1" name "${include}")
    file(READ ${CMAKE_CURRENT_LIST_DIR}/${name} part)
    string(APPEND text "${part}")
  endforeach()
  string(SHA256 digest "${text}")
  set(${result} ${digest} PARENT_SCOPE)
endfunction()

set(work ${root}/build/shaders)
if(FRESH)
  set(work ${FRESH})
endif()
file(MAKE_DIRECTORY ${work})
set(different "")
foreach(module IN LISTS modules)
  string(REPLACE " " ";" words "${module}")
  list(POP_FRONT words name source)
  list(TRANSFORM words PREPEND "-D")
  set(binary ${work}/${name}.spv)
  execute_process(
    COMMAND ${GLSLANG} -V -g0 --target-env vulkan1.1 --quiet -I${CMAKE_CURRENT_LIST_DIR} ${words}
            -o ${binary} ${CMAKE_CURRENT_LIST_DIR}/${source}.comp COMMAND_ERROR_IS_FATAL ANY)
  if(SPIRV_VAL)
    execute_process(COMMAND ${SPIRV_VAL} --target-env vulkan1.1 ${binary}
                    COMMAND_ERROR_IS_FATAL ANY)
  endif()
  file(READ ${binary} hex HEX)
  file(REMOVE ${binary})
  string(REGEX REPLACE "(..)(..)(..)(..)" "0x\\4\\3\\2\\1," hex "${hex}")
  string(REGEX REPLACE "0x0+([0-9a-f])" "0x\\1" hex "${hex}")
  set(line "")
  foreach(times RANGE 1 8)  # words on a line
    string(APPEND line "[^,]+,")
  endforeach()
  string(REGEX REPLACE "(${line})" "\\1\n    " hex "${hex}")
  string(REGEX REPLACE "\n    $" "" hex "${hex}")
  digest_of(digest ${source})
  set(text "#pragma once
/// ${name}: SPIR-V of shaders/${source}.comp. shaders/generate.cmake writes it.

#include <cstdint>

namespace bipft::vulkan::spv {

// ${compiler};
// source ${digest}
inline constexpr std::uint32_t ${name}[] = {
    ${hex}
};

}  // namespace bipft::vulkan::spv
")
  set(header ${root}/${folder}/${name}.hpp)
  if(FRESH)
    file(WRITE ${FRESH}/${folder}/${name}.hpp "${text}")
  elseif(CHECK)
    file(READ ${header} there)
    if(NOT there STREQUAL text)
      string(FIND "${there}" "// ${compiler};" same)
      if(same EQUAL -1)
        message("skipped: ${name} was compiled by another compiler than ${compiler}")
      else()
        list(APPEND different ${name})
      endif()
    endif()
  else()
    file(WRITE ${header} "${text}")
  endif()
endforeach()
if(different)
  message(FATAL_ERROR "not what their sources say: ${different}; run cmake -P shaders/generate.cmake")
endif()
