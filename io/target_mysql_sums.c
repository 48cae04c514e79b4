/* What MySQL and MariaDB are asked of a column: its sum, and its values as text. */
#include "io/target_mysql_int.h"
#include "io/target_sums_int.h"

static int exact(const struct column *c, const char *quoted, struct buf *ret, struct err *err)
{
    switch (sum_kind_of(c)) {
    case SUM_NUMBER: /* the server sums integers and DECIMAL as DECIMAL */
        return buf_addf(ret, err, c->type == COL_BIT ? ",SUM(CAST(%s AS UNSIGNED))" : ",SUM(%s)", quoted);
    case SUM_CRC:
        return buf_addf(ret, err,
                        c->type == COL_TEXT     ? ",SUM(CRC32(CONVERT(%s USING utf8mb4)))"
                        : c->type == COL_BINARY ? ",SUM(CRC32(%s))"
                                                : ",SUM(CRC32(CAST(%s AS CHAR)))",
                        quoted);
    case SUM_DOUBLE:
    case SUM_NONE:
        break;
    }
    return 0;
}

int mysql_sum_expr(const struct column *c, const struct ask *a, const char *quoted, struct buf *ret,
                   struct err *err)
{
    switch (a->how) {
    case ASK_EXACT:
        return exact(c, quoted, ret, err);
    case ASK_REAL: /* the order of the rows must not count, so no sum of floats */
        return buf_addf(ret, err,
                        ",SUM(IF(ABS(%s)<1e25,CAST(%s AS DECIMAL(65,30)),0)),COALESCE(SUM(ABS(%s)>=1e25),0)",
                        quoted, quoted, quoted);
    case ASK_PLAIN:
    case ASK_PACKED:
    case ASK_SLICES:
        return ask_fast_expr(a, quoted, ret, err);
    case ASK_COUNT:
    case ASK_BITS:
        break;
    }
    return 0;
}

/* A number is compared by its digits: ZEROFILL is of the display, and a sum has none of it. */
static bool has_zerofill(const struct column *c)
{
    return c->type_text != NULL && strstr(c->type_text, "zerofill") != NULL;
}

/* The cell's text behind its line: doubles as decimals, whose text is the same everywhere. */
static int check_text(const struct column *c, const char *quoted, struct buf *ret, struct err *err)
{
    switch (c->type) {
    case COL_DOUBLE:
    case COL_FLOAT:
        return buf_addf(ret, err,
                        "IF(ABS(%s)<1e25,CAST(%s+0e0 AS DECIMAL(65,30)),IF(%s IS NULL,NULL,'large'))", quoted,
                        quoted, quoted);
    case COL_TEXT:
        return buf_addf(ret, err, "CONVERT(%s USING utf8mb4)", quoted);
    case COL_BIT:
    case COL_YEAR:
        return buf_addf(ret, err, "CAST(%s AS UNSIGNED)", quoted);
    case COL_DATE:
    case COL_DATETIME:
    case COL_TIMESTAMP:
    case COL_TIME:
        return buf_addf(ret, err, "CAST(%s AS CHAR)", quoted);
    case COL_INT:
    case COL_DECIMAL:
        return buf_addf(ret, err, has_zerofill(c) ? "(%s+0)" : "%s", quoted);
    case COL_BINARY:
    case COL_UNSUPPORTED:
        break;
    }
    return buf_addf(ret, err, "%s", quoted);
}

int mysql_full_expr(const struct column *c, const struct ask *a, const char *quoted, struct buf *ret,
                    struct err *err)
{
    enum sum_kind kind = sum_kind_of(c);
    int rc = 0;

    if (a->extremes && kind == SUM_DOUBLE)
        rc = buf_addf(ret, err, ",MIN(%s)+0e0,MAX(%s)+0e0", quoted, quoted);
    else if (a->extremes && kind == SUM_CRC)
        rc = buf_addf(ret, err, ",CAST(MIN(%s) AS CHAR),CAST(MAX(%s) AS CHAR)", quoted, quoted);
    else if (a->extremes)
        rc = buf_addf(ret, err, ",MIN(%s),MAX(%s)", quoted, quoted);
    if (rc == 0)
        rc = buf_adds(ret, ",SUM(CRC32(CONCAT(_orch_line,':',", err);
    if (rc == 0)
        rc = check_text(c, quoted, ret, err);
    return rc < 0 ? rc : buf_adds(ret, ")))", err);
}

int mysql_text_expr(const struct column *c, const char *quoted, struct buf *ret, struct err *err)
{
    switch (c->type) {
    case COL_DOUBLE:
    case COL_FLOAT: /* a float's own text is cut at six digits: as a double it has all of them */
        return buf_addf(ret, err, ",CAST(%s+0e0 AS CHAR)", quoted);
    case COL_TEXT:
        return buf_addf(ret, err, ",CONVERT(%s USING utf8mb4)", quoted);
    case COL_DATE:
    case COL_DATETIME:
    case COL_TIMESTAMP:
    case COL_TIME:
        return buf_addf(ret, err, ",CAST(%s AS CHAR)", quoted);
    case COL_BIT:
    case COL_YEAR:
        return buf_addf(ret, err, ",CAST(%s AS UNSIGNED)", quoted);
    case COL_INT:
    case COL_DECIMAL:
        return buf_addf(ret, err, has_zerofill(c) ? ",(%s+0)" : ",%s", quoted);
    case COL_BINARY:
    case COL_UNSUPPORTED:
        break;
    }
    return buf_addf(ret, err, ",%s", quoted);
}
