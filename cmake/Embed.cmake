# Text that lives in files and ends up in the binary. cmake/embed.c, built first, writes
# generated/<name>.h and generated/<name>.c; nothing generated is committed.
add_executable(embed cmake/embed.c)
set(generated ${CMAKE_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${generated})
function(orch_embed name mode)
  add_custom_command(OUTPUT ${generated}/${name}.c ${generated}/${name}.h
    COMMAND embed ${mode} ${name} ${generated} ${ARGN}
    DEPENDS embed ${ARGN} VERBATIM)
  set_property(GLOBAL APPEND PROPERTY ORCH_GENERATED ${generated}/${name}.c)
endfunction()
file(GLOB migrations CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sql/migrations/*.sql)
file(GLOB queries CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sql/queries/*.sql)
file(GLOB mysql CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sql/target/both.sql ${CMAKE_SOURCE_DIR}/sql/target/mysql*.sql)
file(GLOB sqlite CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sql/target/both.sql ${CMAKE_SOURCE_DIR}/sql/target/sqlite*.sql)
file(GLOB workflows CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/orchestrator/workflows/*.asl.json)
file(GLOB manual CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/config.md ${CMAKE_SOURCE_DIR}/docs/schedules.md
  ${CMAKE_SOURCE_DIR}/docs/serve.md)
orch_embed(manual_docs files ${manual})
orch_embed(sql_migrations files ${migrations})
orch_embed(sql_state named ${queries})
orch_embed(sql_mysql named ${mysql})
orch_embed(sql_sqlite named ${sqlite})
orch_embed(workflows files ${workflows})
get_property(sources GLOBAL PROPERTY ORCH_GENERATED)
add_custom_target(orch_generated DEPENDS ${sources})
target_sources(state PRIVATE ${generated}/sql_migrations.c ${generated}/sql_state.c)
target_sources(io PRIVATE ${generated}/sql_mysql.c ${generated}/sql_sqlite.c)
target_sources(orchestrator PRIVATE ${generated}/workflows.c ${generated}/manual_docs.c)
