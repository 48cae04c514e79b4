#ifndef ORCHESTRATOR_ALERT_H
#define ORCHESTRATOR_ALERT_H
#include "base/json.h"
/*
 * Runs alerts.command by /bin/sh -c with the document as JSON on its stdin, for at most limit_ms, then ends it with all
 * it started. Its stdout goes nowhere, the end of its stderr into the message. An exit status other than 0 is an error.
 */
NODISCARD int alert_run(const char *command, const json_t *document, int64_t limit_ms, struct err *err);
#endif
