# The systemd units as they run under a prefix, which is known only when something is installed:
# cmake -D SOURCE=TREE -D PREFIX=/usr/local -D INTO=FOLDER -P cmake/Units.cmake
foreach(unit orch.service orch.timer orch-serve.service)
  file(READ ${SOURCE}/deploy/systemd/${unit} text)
  string(REPLACE "/usr/bin/orch" "${PREFIX}/bin/orch" text "${text}")
  file(WRITE ${INTO}/${unit} "${text}")
endforeach()
