# Horovod 0.28.1 asks CMake for C++14; the headers of today's torch need C++20.
# Every standard that its CMake files can ask for is therefore spelled as C++20, which spares
# a patched copy of its sources. Nested projects (gloo, the torch module) pass here as well.
foreach(standard IN ITEMS 11 14 17)
    set(CMAKE_CXX${standard}_STANDARD_COMPILE_OPTION "-std=gnu++20")
    set(CMAKE_CXX${standard}_EXTENSION_COMPILE_OPTION "-std=gnu++20")
endforeach()

# No debug information: a wheel of about one megabyte instead of tens, and a shorter build.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -DNDEBUG")
