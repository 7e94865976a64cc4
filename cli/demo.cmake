# The demo: trains a float model and a one-bit model on DATA, measures both beside a bag of words,
# and labels three sentences. BIPFT is the command, WORK the folder for what it writes.
# Fails where the one-bit model is not worth its bits: less than 8 points above the bag of words.
cmake_minimum_required(VERSION 3.25)

set(shape --preset tiny --heads 4 --max-len 32 --vocab-size 1000)
set(float_recipe --method float --epochs 8 --batch 32 --lr 1e-3 --dropout 0)
set(bit_recipe --method bit --epochs 16 --batch 32 --lr 3e-3)
set(points_above_the_bag_of_words 8)

function(print)
  execute_process(COMMAND ${CMAKE_COMMAND} -E echo "${ARGN}")
endfunction()

function(bipft)
  list(JOIN ARGN " " words)
  string(REPLACE "${DATA}/" "data/" words "${words}")
  string(REPLACE "${WORK}/" "demo/" words "${words}")
  print("\n$ bipft ${words}")
  execute_process(COMMAND ${BIPFT} ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(evaluate model result)
  execute_process(COMMAND ${BIPFT} eval ${model} ${DATA}/demo-dev.tsv --json ${ARGN}
                  OUTPUT_VARIABLE json COMMAND_ERROR_IS_FATAL ANY)
  set(${result} "${json}" PARENT_SCOPE)
endfunction()

# `number` times 10^places, rounded down: CMake counts in integers.
function(scaled number places result)
  if(NOT number MATCHES "^([0-9]+)\\.?([0-9]*)$")
    message(FATAL_ERROR "the demo expected a plain number and got '${number}'")
  endif()
  set(whole ${CMAKE_MATCH_1})
  string(SUBSTRING "${CMAKE_MATCH_2}000000000" 0 ${places} fraction)
  string(REGEX REPLACE "^0+([0-9])" "\\1" digits "${whole}${fraction}")
  set(${result} ${digits} PARENT_SCOPE)
endfunction()

function(percent fraction result)
  scaled(${fraction} 4 hundredths)
  math(EXPR tenths "(${hundredths} + 5) / 10")
  math(EXPR whole "${tenths} / 10")
  math(EXPR tenth "${tenths} % 10")
  set(${result} "${whole}.${tenth} %" PARENT_SCOPE)
endfunction()

function(milliseconds number result)
  scaled(${number} 4 rest)
  math(EXPR thousandths "(${rest} + 5) / 10")
  math(EXPR whole "${thousandths} / 1000")
  math(EXPR rest "${thousandths} % 1000 + 1000")
  string(SUBSTRING ${rest} 1 3 rest)
  set(${result} "${whole}.${rest}" PARENT_SCOPE)
endfunction()

function(row name accuracy bytes time)
  set(line "")
  foreach(column IN ITEMS "${name};-16" "${accuracy};10" "${bytes};12" "${time};12")
    list(GET column 0 text)
    list(GET column 1 width)
    string(LENGTH "${text}" length)
    if(width LESS 0)
      math(EXPR blanks "-(${width}) - ${length}")
    else()
      math(EXPR blanks "${width} - ${length}")
    endif()
    string(REPEAT " " ${blanks} blanks)
    if(width LESS 0)
      string(APPEND line "${text}${blanks}")
    else()
      string(APPEND line "${blanks}${text}")
    endif()
  endforeach()
  print("  ${line}")
endfunction()

string(TIMESTAMP begin %s)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
set(data ${DATA}/demo-train.tsv --dev ${DATA}/demo-dev.tsv)
set(float ${WORK}/float.bipft)
set(bit ${WORK}/bit.bipft)

# ---- Train --------------------------------------------------------------------------------------
bipft(train ${data} -o ${float} ${float_recipe} ${shape})
bipft(train ${data} -o ${bit} ${bit_recipe} ${shape})

# ---- Measure ------------------------------------------------------------------------------------
evaluate(${float} float_json --bench)
evaluate(${bit} bit_json --bench --baseline ${DATA}/demo-train.tsv)
string(JSON bag_accuracy GET "${bit_json}" baseline metrics accuracy)
string(JSON texts GET "${bit_json}" n)
foreach(form IN ITEMS float bit)
  string(JSON ${form}_accuracy GET "${${form}_json}" metrics accuracy)
  string(JSON ${form}_bytes GET "${${form}_json}" file_bytes)
endforeach()
string(JSON float_ms GET "${float_json}" bench float ms_p50)
string(JSON bit_ms GET "${bit_json}" bench packed ms_p50)
foreach(form IN ITEMS bag float bit)
  percent(${${form}_accuracy} ${form}_percent)
endforeach()
milliseconds(${float_ms} float_ms)
milliseconds(${bit_ms} bit_ms)

print("\n${texts} sentences that no model has seen, where word order and negation decide:\n")
row("" "accuracy" "file bytes" "ms a text")
row("bag of words" "${bag_percent}" "" "")
row("float, 32 bits" "${float_percent}" "${float_bytes}" "${float_ms}")
row("one bit" "${bit_percent}" "${bit_bytes}" "${bit_ms}")

# ---- Use ----------------------------------------------------------------------------------------
file(WRITE ${WORK}/sentences.txt
  "the screen is not bad at all\n"
  "i expected a great phone and got a poor one\n"
  "the delivery was slow but the service was excellent\n")
bipft(run ${bit} ${WORK}/sentences.txt --keep)

string(TIMESTAMP end %s)
math(EXPR seconds "${end} - ${begin}")
print("\nThe demo took ${seconds} s. Its models stand in ${WORK}.")

scaled(${bit_accuracy} 4 bit_points)
scaled(${bag_accuracy} 4 bag_points)
math(EXPR margin "${bit_points} - ${bag_points}")
math(EXPR wanted "100 * ${points_above_the_bag_of_words}")
if(margin LESS wanted)
  message(FATAL_ERROR "the one-bit model is less than ${points_above_the_bag_of_words} points "
                      "above the bag of words: ${bit_percent} against ${bag_percent}")
endif()
