#ifndef IO_MYSQLC_WIRE_H
#define IO_MYSQLC_WIRE_H
#include "io/mysqlc_int.h"
#include "io/mysqlc_row.h"
/*
 * A prepared statement executed, and its rows read, straight on the connection's socket. The library makes the connection and
 * prepares; between two of its commands nothing of the server's is unread, so whoever reads a command's answer to its end may
 * speak there. It would copy each cell three times on its way to a batch. Rows are in memory as one buffer of WIRE_BUFFER, or
 * the largest of them.
 */
struct wire;
/* Not with TLS, nor packing, nor what the library may have agreed upon that this does not know. */
bool wire_can(const struct mysqlc *c);
/* The statement's columns are in *ret_columns, strings and all in a. Where it fails, c is lost unless it was the server that
 * refused. ERR_TARGET where it gives no rows. */
NODISCARD int wire_open(struct mysqlc *c, unsigned long stmt_id, MYSQL_RES *prepared,
                        const struct val *values, size_t count, struct arena *a, struct wire **ret,
                        struct row_column **ret_columns, size_t *ret_count, struct err *err);
/* The next row's packet, until the next call: 1, or there are no more: 0. What the server says instead is -code, and the end;
 * c is lost by all else. */
NODISCARD int wire_next(struct wire *w, const unsigned char **ret, size_t *ret_n, struct err *err);
/* What the library says of a result's columns. */
void wire_columns(MYSQL_RES *from, struct arena *a, struct row_column *ret);
void wire_free(struct wire *w); /* NULL is fine */
#endif
