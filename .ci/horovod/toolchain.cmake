# Read through the environment variable CMAKE_TOOLCHAIN_FILE while Horovod 0.28.1 is built.
# It only names the file that project() includes when it ends: the compiler is known by then,
# so what is set there is not overwritten by CMake's own detection.
set(CMAKE_PROJECT_INCLUDE "${CMAKE_CURRENT_LIST_DIR}/after_project.cmake")
