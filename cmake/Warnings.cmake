# orch_flags carries the compiler flags of every target of ours.
include(CheckCCompilerFlag)
add_library(orch_flags INTERFACE)

set(warnings
  -Wall -Wextra -Wpedantic
  -Wshadow                 # a name that hides another
  -Wconversion -Wsign-conversion # a number that silently loses bits
  -Wcast-qual -Wwrite-strings    # const is a promise
  -Wformat=2               # formats are literals
  -Wmissing-prototypes -Wstrict-prototypes # what is not in a header is static
  -Wvla                    # stack use is bounded
  -Wundef -Wnull-dereference
  -Wduplicated-cond -Wlogical-op -Wcomma -Wmissing-variable-declarations)
foreach(flag ${warnings})
  string(MAKE_C_IDENTIFIER "has${flag}" known)
  check_c_compiler_flag(${flag} ${known})
  if(${known})
    target_compile_options(orch_flags INTERFACE ${flag})
  endif()
endforeach()
target_compile_options(orch_flags INTERFACE -Werror=unused-result -Werror=implicit-function-declaration
  -fno-common -fno-strict-aliasing -include ${CMAKE_SOURCE_DIR}/base/banned.h)
target_compile_definitions(orch_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
if(ORCH_WERROR)
  target_compile_options(orch_flags INTERFACE -Werror)
endif()
if(ORCH_TESTS)
  target_compile_definitions(orch_flags INTERFACE ORCH_TEST_BUILD=1)
else()
  target_compile_definitions(orch_flags INTERFACE ORCH_TEST_BUILD=0)
endif()
if(ORCH_SANITIZE)
  target_compile_options(orch_flags INTERFACE -fsanitize=${ORCH_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(orch_flags INTERFACE -fsanitize=${ORCH_SANITIZE})
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(orch_flags INTERFACE -fstack-protector-strong -fPIE)
  target_compile_options(orch_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  target_link_options(orch_flags INTERFACE -pie -Wl,-z,relro,-z,now)
endif()
