# embed_files(TARGET FILE...): gives the target's sources the files' bytes, as embedded_files.h declares them. The files are
# in the folder of the calling CMakeLists.txt, or in its build folder, and are named as they are there.
function(embed_files target)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_bytes.cpp)
  set(script ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/WriteEmbeddedFiles.cmake)
  set(folders ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_BINARY_DIR})
  add_custom_command(OUTPUT ${output} VERBATIM
    COMMAND ${CMAKE_COMMAND} -D OUTPUT=${output} -D "FOLDERS=${folders}" -D "FILES=${ARGN}" -P ${script}
    DEPENDS ${ARGN} ${script})
  target_sources(${target} PRIVATE ${output})
endfunction()
