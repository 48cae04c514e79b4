#ifndef IO_TARGET_MYSQL_INT_H
#define IO_TARGET_MYSQL_INT_H
#include "io/mysqlc.h"
#include "io/target_int.h"
/* Inside the MySQL engine: target_mysql.c connects and runs, _schema.c reads and makes tables, _load.c puts rows in,
 * _refuse.c says why one is refused. */
enum { KEPT_INSERTS = 16 };
struct mysql_db {
    struct mysqlc *c;
    int64_t max_packet;
    bool has_idle_timeout, is_cluster, local_infile;
    bool manual; /* autocommit is off, for a load */
    struct {     /* statements of loads that are over, by their text; bulk NULL: none */
        char *text;
        struct mysqlc_bulk *bulk;
    } kept[KEPT_INSERTS];
    size_t next_kept;
};
static inline struct mysql_db *mysql_db(const struct target *t)
{
    return t->db;
}
int mysql_quote(const char *name, bool qualified, struct buf *ret, struct err *err);
/* target_mysql_schema.c */
int mysql_describe(struct target *t, const char *table, struct table **ret_owned, struct err *err);
int mysql_create_ddl(struct target *t, const char *table, const char *const *names, const char *const *types,
                     size_t count, struct buf *ret, struct err *err);
int mysql_grants(struct target *t, const char *user, const char *table, const char *copy, bool upserts,
                 struct buf *ret, struct err *err);
/* target_mysql_load.c */
int mysql_insert_open(struct load *l, struct err *err);
int mysql_insert_rows(struct load *l, const struct batch *b, struct err *err);
int mysql_insert_settle(struct load *l, struct err *err);
void mysql_insert_close(struct load *l);
int mysql_manual(struct target *t, bool on, struct err *err);
int mysql_load_over(struct target *t, struct err *err);
void mysql_forget_inserts(struct mysql_db *db); /* before the connection goes */
/* target_mysql_refuse.c: tells spec's on_reject of the row; without one it is the load's error. */
int mysql_refuse(struct load *l, const struct batch *b, size_t row, const struct err *why, struct err *err);
/* target_mysql_sums.c */
int mysql_full_expr(const struct column *c, const struct ask *a, const char *quoted, struct buf *ret,
                    struct err *err);
int mysql_sum_expr(const struct column *c, const struct ask *a, const char *quoted, struct buf *ret,
                   struct err *err);
int mysql_text_expr(const struct column *c, const char *quoted, struct buf *ret, struct err *err);
#endif
