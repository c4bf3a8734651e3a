# Read by CMake right after llama.cpp's own project() call (CMAKE_PROJECT_llama.cpp_INCLUDE). The Python package
# forces its "common" library on, yet links nothing against it: leaving it out spares a quarter of the compile.
set(LLAMA_BUILD_COMMON OFF)
set(LLAMA_OPENSSL OFF)
