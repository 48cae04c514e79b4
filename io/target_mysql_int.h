#ifndef IO_TARGET_MYSQL_INT_H
#define IO_TARGET_MYSQL_INT_H
#include "io/target_int.h"
/* target_mysql_schema.c: members of target_ops. */
int my_describe(struct target *t, const char *table, struct table **ret_owned, struct err *err);
int my_create_ddl(struct target *t, const char *table, const char *const *names, const char *const *types, size_t count,
                  struct buf *ret, struct err *err);
int my_grants(struct target *t, const char *user, const char *table, struct buf *ret, struct err *err);
int my_quote(const char *name, bool qualified, struct buf *ret, struct err *err);
int my_sum_expr(const struct column *c, const char *quoted, struct buf *ret, struct err *err);
#endif
