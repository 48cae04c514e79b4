#ifndef ORCHESTRATOR_SELF_H
#define ORCHESTRATOR_SELF_H
#include "base/buf.h"
/* Where this program is, and other programs run from it. */
enum { SELF_SIZE = 4096 };
NODISCARD int self_path(char ret[SELF_SIZE], struct err *err);
/*
 * Runs argv[0] (looked for in PATH) to its end, with n bytes of in on its stdin. What it wrote is in *out and
 * *talk (cleared first; more than their maximum is ERR_TOO_LARGE). Returns its exit status, 128+n for a
 * signal. ERR_NOT_FOUND: there is no such program.
 */
NODISCARD int self_child(const char *const argv[], const char *in, size_t n, struct buf *out,
                         struct buf *talk, struct err *err);
#endif
