#ifndef IO_TARGET_RESTORE_INT_H
#define IO_TARGET_RESTORE_INT_H
#include "io/target_int.h"
/* Between the files io/target_restore*.c alone. */
#define RESTORE_PREFIX "_orch_restore_"
/* "SELECT `a`,`b` FROM `t`": all columns that are stored, the invisible ones too. */
NODISCARD int restore_select(const struct table *def, struct buf *ret, struct err *err);
/* Foreign keys of work, and those of other tables that refer to table: ERR_BAD_VALUE where a row refers to none. work
 * stands for table meanwhile. */
NODISCARD int restore_references(struct target *t, const char *table, const char *work, struct err *err);
#endif
