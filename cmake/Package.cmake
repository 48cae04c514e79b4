# What is installed beside the program, and the Debian package: ./dev package, or cpack in build/release.
# The program itself writes its man pages and completions.
set(ORCH_MAINTAINER "The orch authors <orch@example.org>" CACHE STRING "Who answers for the Debian package")
set(CPACK_PACKAGE_CONTACT ${ORCH_MAINTAINER})
set(made ${CMAKE_BINARY_DIR}/made)
string(TIMESTAMP man_date "%Y-%m-%d" UTC) # SOURCE_DATE_EPOCH counts
add_custom_command(OUTPUT ${made}/done
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${made}
  COMMAND orch help --man-dir ${made} --date ${man_date}
  COMMAND gzip -9n -r ${made}
  COMMAND orch completion bash > ${made}/orch
  COMMAND orch completion zsh > ${made}/_orch
  COMMAND orch completion fish > ${made}/orch.fish
  COMMAND ${CMAKE_COMMAND} -E touch ${made}/done
  DEPENDS orch VERBATIM)
add_custom_target(made ALL DEPENDS ${made}/done)
foreach(section 1 5 7)
  install(DIRECTORY ${made}/ DESTINATION share/man/man${section} FILES_MATCHING PATTERN "*.${section}.gz")
endforeach()
install(FILES ${made}/orch DESTINATION share/bash-completion/completions)
install(FILES ${made}/_orch DESTINATION share/zsh/vendor-completions)
install(FILES ${made}/orch.fish DESTINATION share/fish/vendor_completions.d)
file(GLOB documents CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/*.md)
install(FILES ${documents} docs/orch.schema.json README.md DESTINATION share/doc/orch)
install(DIRECTORY deploy/ DESTINATION share/doc/orch/examples
  PATTERN systemd EXCLUDE PATTERN debian EXCLUDE PATTERN __pycache__ EXCLUDE)
install(FILES deploy/debian/orch.json DESTINATION share/doc/orch/examples)
install(CODE "
  set(SOURCE \"${CMAKE_SOURCE_DIR}\")
  set(INTO \"${CMAKE_BINARY_DIR}/units\")
  set(PREFIX \"\${CMAKE_INSTALL_PREFIX}\")
  include(\"${CMAKE_SOURCE_DIR}/cmake/Units.cmake\")")
install(FILES ${CMAKE_BINARY_DIR}/units/orch.service ${CMAKE_BINARY_DIR}/units/orch.timer
  ${CMAKE_BINARY_DIR}/units/orch-serve.service DESTINATION lib/systemd/system)

# what Debian wants beside it
string(TIMESTAMP changelog_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(deploy/debian/changelog.in ${CMAKE_BINARY_DIR}/changelog @ONLY)
add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/changelog.gz
  COMMAND gzip -9nkf ${CMAKE_BINARY_DIR}/changelog
  DEPENDS ${CMAKE_BINARY_DIR}/changelog VERBATIM)
add_custom_target(debian-changelog ALL DEPENDS ${CMAKE_BINARY_DIR}/changelog.gz)
install(FILES ${CMAKE_BINARY_DIR}/changelog.gz deploy/debian/copyright DESTINATION share/doc/orch)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME orch)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "loads CSV partitions from S3 into MySQL, exactly once")
set(CPACK_PACKAGE_DESCRIPTION
"Started by cron or by a systemd timer, orch loads hourly or daily CSV files
from S3, or from a folder, into MySQL, MariaDB or SQLite: each row once,
whatever is killed, and whenever. Bad values become rejects with file, line
and column; missing hours, differences and failures are shown, and told by
mail or webhook.
.
One program, one SQLite file for its state, one JSON config, no daemon but
for who wants it: orch serve answers over HTTP.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, tzdata, cron | systemd")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_SOURCE_DIR}/deploy/debian/postinst ${CMAKE_SOURCE_DIR}/deploy/debian/prerm
  ${CMAKE_SOURCE_DIR}/deploy/debian/postrm)
include(CPack)
