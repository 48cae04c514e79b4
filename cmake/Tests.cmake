# tests/unit/<module>/<file>.c -> a TAP program build/<preset>/tests/<module>-<file>.t
# tests/t/<name>.t             -> a TAP script (bash or python3, by its first line), run against the orch binary
# tests/fuzz/<name>.c          -> a program that replays tests/fuzz/corpus/<name>/ as TAP; with
#                                 ORCH_FUZZ also a libFuzzer target build/fuzz/fuzz/<name>
set(tests ${CMAKE_BINARY_DIR}/tests)
file(GLOB support CONFIGURE_DEPENDS tests/lib/*.c)
add_library(taplib STATIC tests/tap.c ${support})
target_link_libraries(taplib PUBLIC orchestrator)

# A test runs through record.sh, which keeps its TAP for "./dev test" to count and for prove to judge.
function(orch_tap name)
  add_test(NAME ${name} COMMAND ${CMAKE_SOURCE_DIR}/tests/lib/record.sh ${name} ${ARGN})
  set_tests_properties(${name} PROPERTIES SKIP_REGULAR_EXPRESSION "# all [0-9]+ tests skipped"
    ENVIRONMENT "ORCH_SOURCE=${CMAKE_SOURCE_DIR};ORCH_BUILD=${CMAKE_BINARY_DIR};ORCH=${CMAKE_BINARY_DIR}/orch;UBSAN_OPTIONS=print_stacktrace=1"
    TIMEOUT 600)
endfunction()

# data for tests and ./dev bench; plain C, without sanitizers, since it writes gigabytes
add_executable(gen-credit tests/lib/gen/credit.c)
target_compile_options(gen-credit PRIVATE -O2)
target_compile_definitions(gen-credit PRIVATE _GNU_SOURCE)

# what the CSV reader makes of a file, for tests/campaign/differential.py
add_executable(csv-read tests/lib/gen/csv_read.c)
target_link_libraries(csv-read PRIVATE orchestrator)

# an Avro file of every type, for tests/t/avro.t
add_executable(avro-write tests/lib/gen/avro_write.c)
target_link_libraries(avro-write PRIVATE taplib)

file(GLOB units CONFIGURE_DEPENDS tests/unit/*/*.c)
foreach(file ${units})
  get_filename_component(stem ${file} NAME_WE)
  get_filename_component(module ${file} DIRECTORY)
  get_filename_component(module ${module} NAME)
  add_executable(${module}-${stem}.t ${file})
  target_link_libraries(${module}-${stem}.t PRIVATE taplib)
  set_target_properties(${module}-${stem}.t PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${tests})
  orch_tap(${module}/${stem} $<TARGET_FILE:${module}-${stem}.t>)
endforeach()

file(GLOB scripts CONFIGURE_DEPENDS tests/t/*.t)
foreach(file ${scripts})
  get_filename_component(stem ${file} NAME_WE)
  orch_tap(t/${stem} ${file})
endforeach()

file(GLOB targets CONFIGURE_DEPENDS tests/fuzz/*.c)
list(REMOVE_ITEM targets ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
foreach(file ${targets})
  get_filename_component(stem ${file} NAME_WE)
  add_executable(fuzz-${stem}.t ${file} tests/fuzz/replay.c)
  target_link_libraries(fuzz-${stem}.t PRIVATE taplib)
  target_compile_options(fuzz-${stem}.t PRIVATE -UNDEBUG) # they test by assert(), in a release build too
  set_target_properties(fuzz-${stem}.t PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${tests})
  orch_tap(fuzz/${stem} $<TARGET_FILE:fuzz-${stem}.t> ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${stem})
  if(ORCH_FUZZ)
    add_executable(fuzz-${stem} ${file})
    target_compile_options(fuzz-${stem} PRIVATE -fsanitize=fuzzer-no-link)
    target_link_libraries(fuzz-${stem} PRIVATE orchestrator)
    target_link_options(fuzz-${stem} PRIVATE -fsanitize=fuzzer)
    set_target_properties(fuzz-${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  endif()
endforeach()
if(ORCH_FUZZ)
  # coverage feedback from the code under test, not only from the target itself
  foreach(module base cron io state steps orchestrator)
    target_compile_options(${module} PRIVATE -fsanitize=fuzzer-no-link)
  endforeach()
endif()

# The long ones first, so that none is still on its way when all else is done. Seconds, about.
foreach(long t/crash:190 t/random_faults:110 t/extract_faults:105 t/gotchas:105 t/week:105 t/chunks:100 t/pressure:90
    t/cuts:70 t/rejects:70 t/tasks:60 io/sink_s3:65 t/requests:60 t/rows:50 t/faults:50 t/backup:45 t/load:40 t/readme:40 t/upsert:40 t/step_functions:30 io/source_s3:40
    t/rejects_server:40)
  string(REPLACE ":" ";" long ${long})
  list(GET long 0 name)
  list(GET long 1 seconds)
  set_tests_properties(${name} PROPERTIES COST ${seconds})
endforeach()
