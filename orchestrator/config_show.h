#ifndef ORCHESTRATOR_CONFIG_SHOW_H
#define ORCHESTRATOR_CONFIG_SHOW_H
#include "orchestrator/config.h"
/*
 * The whole config as it holds, defaults filled in: a list of {key, value, origin}, key dotted ("pipelines.loans.csv.quote"),
 * origin "default", the file's path, or "environment NAME". Secrets are not in it, only where they come from: passwords
 * in URLs and the paths of alert URLs, which are tokens, are left out. Owned.
 */
json_t *config_effective(const struct config *c);
#endif
