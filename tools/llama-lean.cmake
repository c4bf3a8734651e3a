# Read by CMake right after llama.cpp's own project() call (CMAKE_PROJECT_llama.cpp_INCLUDE). The Python package
# forces its "common" library on, yet links nothing against it: leaving it out spares a quarter of the compile.
set(LLAMA_BUILD_COMMON OFF)
set(LLAMA_OPENSSL OFF)

# The kernels for Intel's AMX crash at the first answer on some machines that have it: only one thread asks the system
# for the tiles, and their configuration is optimised away (llama.cpp #20824, #26954). Compiled without, the AVX-512 ones
# serve. An explicit -mno- stands against -march=native, whichever comes first.
include(CheckCXXCompilerFlag)
check_cxx_compiler_flag(-mno-amx-tile DOCINDEX_CAN_LEAVE_OUT_AMX)
if(DOCINDEX_CAN_LEAVE_OUT_AMX)
  add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-mno-amx-tile> $<$<COMPILE_LANGUAGE:C,CXX>:-mno-amx-int8>
                      $<$<COMPILE_LANGUAGE:C,CXX>:-mno-amx-bf16>)
endif()
