#ifndef IO_MYSQLC_INT_H
#define IO_MYSQLC_INT_H
/* Inside the door to the client library: mysqlc.c connects and runs statements, _bulk.c puts rows in, _scan.c and
 * _select.c stream them out (_wire.c and _row.c without the library). */
#include "io/mysqlc.h"
#include <mysql.h>

/* The two libraries differ in names, not in what they do. */
#ifdef MARIADB_PACKAGE_VERSION_ID
#define CLIENT_IS_MARIADB 1
typedef my_bool flag_type;
#else
#define CLIENT_IS_MARIADB 0
typedef bool flag_type;
#endif

enum {
    CACHED = 40,        /* prepared statements kept by a connection: every named query, and some */
    PROGRESS_TIMES = 3, /* the time-out, for what a server may fill with reports of progress */
};

struct mysqlc {
    MYSQL *handle;
    bool connected, lost, mariadb, arrays;
    bool wide; /* the server sends large packets: mysqlc_select.c */
    int timeout_ms;
    int64_t answered_ms;
    int64_t progress_ms,
        progress_of; /* since when the server only reports progress, and behind which answer */
    unsigned long version_id;
    char version[32];
    struct {
        char *sql;
        MYSQL_STMT *stmt;
        bool busy;
    } cache[CACHED];
    size_t next_victim;
    struct mysqlc_infile *infile; /* what LOAD DATA LOCAL is given; NULL: nobody asked for it */
};

/* No file of this machine for any server, whatever it asks for. Before the connection is made. */
void mysqlc_infile_guard(struct mysqlc *c);

/* What the library says of a call that began at start_ms, in our words. */
int mysqlc_fail_native(struct mysqlc *c, unsigned native, const char *state, const char *text,
                       int64_t since_ms, struct err *err);
int mysqlc_fail_handle(struct mysqlc *c, int64_t start_ms, struct err *err);
int mysqlc_fail_stmt(struct mysqlc *c, MYSQL_STMT *stmt, int64_t start_ms, struct err *err);
NODISCARD int mysqlc_prepare(struct mysqlc *c, const char *sql, MYSQL_STMT **ret, struct err *err);

void mysqlc_bind_value(MYSQL_BIND *b, const struct val *v);

static inline void *unconst(const void *p) /* the library's structs know no const; it only reads */
{
    return (void *)(uintptr_t)p;
}
#endif
