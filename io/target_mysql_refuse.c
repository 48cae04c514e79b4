/* A row that MySQL refuses: which rule, which column, and what a person needs to mend it. */
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_mysql_int.h"

static const struct {
    int native;
    const char *code;
} codes[] = {
    {1062, "DUPLICATE_KEY"},  {1586, "DUPLICATE_KEY"}, {1264, "OUT_OF_RANGE"},   {1367, "OUT_OF_RANGE"},
    {1690, "OUT_OF_RANGE"},   {1406, "TOO_LONG"},      {1048, "NOT_NULL"},       {1263, "NOT_NULL"},
    {1364, "NOT_NULL"},       {1452, "FOREIGN_KEY"},   {1216, "FOREIGN_KEY"},    {3819, "CHECK_FAILED"},
    {4025, "CHECK_FAILED"},   {1526, "NO_PARTITION"},  {3854, "NOT_IN_CHARSET"}, {1267, "NOT_IN_CHARSET"},
    {3988, "NOT_IN_CHARSET"},
};

/* "... for column `db`.`t`.`MonthlyIncome` at row 1", "Column 'id' cannot be null": the last quoted word after
 * "column". A message may quote the value first. */
static void column_of(const char *message, char out[200])
{
    const char *p = strcasestr(message, "column "), *start = NULL, *end = NULL;

    out[0] = '\0';
    for (const char *next = p; next != NULL; next = strcasestr(next + 1, " column "))
        p = next + (*next == ' ');
    if (p == NULL)
        return;
    for (p += 7; *p == '`' || *p == '\''; p = end[1] == '.' ? end + 2 : end + 1) {
        start = p + 1;
        end = strchr(start, *p);
        if (end == NULL)
            return;
    }
    if (start != NULL)
        snprintf(out, 200, "%.*s", (int)(end - start < 199 ? end - start : 199), start);
}

/* MySQL's 3988 names no column: the only one whose charset does not hold everything is meant. */
static void only_foreign(const struct table *t, const struct batch *b, char out[200])
{
    size_t found = 0;

    for (size_t i = 0; i < b->col_count; i++) {
        const struct column *c = &t->columns[b->cols[i].column];
        if (c->charset == NULL || strcasecmp(c->charset, "utf8mb4") == 0)
            continue;
        snprintf(out, 200, "%.199s", c->name);
        found++;
    }
    if (found != 1)
        out[0] = '\0';
}

static const char *code_of(const struct load *l, const struct err *why, const char *column)
{
    int at = table_find(l->spec.table, str_of(column));

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i].native == why->native)
            return codes[i].code;
    if (why->native == 1366 && at >= 0 && l->spec.table->columns[at].type == COL_TEXT)
        return "NOT_IN_CHARSET";
    return "REFUSED_BY_SERVER";
}

static int keep_first(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct buf *out = arg;

    UNUSED(count);
    return out->n > 0 || cells[0].p == NULL ? 0 : buf_add(out, cells[0].p, cells[0].n, err);
}

/* "Duplicate entry '1' for key 'PRIMARY'": the key's name ends the message. MySQL 8 says table.key. */
int target_refused_key(const struct table *def, const char *message)
{
    static const char before[] = "for key '";
    const char *name = NULL;

    for (const char *p = strstr(message, before); p != NULL; p = strstr(name, before))
        name = p + sizeof before - 1; /* the value is quoted before it, and may say anything */
    if (name == NULL)
        return -1;
    for (struct str s = {name, strcspn(name, "'")};;) {
        for (size_t i = 0; i < def->key_count; i++)
            if (str_eq(str_of(def->keys[i].name), s))
                return (int)i;
        const char *dot = memchr(s.p, '.', s.n);
        if (dot == NULL)
            return -1;
        s.n -= (size_t)(dot + 1 - s.p);
        s.p = dot + 1;
    }
}

/* "... FOREIGN KEY (`department_id`) REFERENCES `departments` (`id`))" */
bool target_refused_reference(const char *message, char ret_column[200], char ret_there[300])
{
    const char *own = strstr(message, "FOREIGN KEY (`"), *there = strstr(message, "REFERENCES `");
    size_t n = 0;

    if (own == NULL || there == NULL)
        return false;
    own += 14;
    there += 12;
    const char *end = strchr(there, ')');
    snprintf(ret_column, 200, "%.*s", (int)strcspn(own, "`"), own);
    for (const char *p = there; p != end && *p != '\0' && n + 1 < 300; p++)
        if (strchr("`( ", *p) == NULL)
            ret_there[n++] = *p;
        else if (*p == '(')
            ret_there[n++] = '.';
    ret_there[n] = '\0';
    return true;
}

bool target_is_stale(const struct err *err)
{
    static const int natives[] = {1054, 1136, 1146, 1364, 1412, 1615};

    for (size_t i = 0; i < ARRAY_LEN(natives); i++)
        if (err->native == natives[i])
            return true;
    return false;
}

/* Which column the violated key has, if it is one of text: -1 else. */
static int key_column(const struct table *t, const char *message)
{
    int key = target_refused_key(t, message);
    int at = key >= 0 && t->keys[key].count == 1 ? t->keys[key].columns[0] : -1;

    return at >= 0 && t->columns[at].type == COL_TEXT ? at : -1;
}

/* 'abc' against 'Abc': people see two values and do not believe the server. So the other one and the collation are
 * said, where the key is one text column. Costs one look-up a reject. */
static int explain_duplicate(struct load *l, const struct batch *b, size_t row, struct reject_info *why,
                             struct err *err)
{
    const struct table *def = l->spec.table;
    const struct batch_col *col = NULL;
    struct buf sql = BUF_INIT(MAX_SQL), there = BUF_INIT(MAX_RECORD);
    char shown[80];
    int at = key_column(def, why->message), rc;

    for (size_t i = 0; at >= 0 && i < b->col_count; i++)
        if (b->cols[i].column == at && b->cols[i].kind == CELL_BYTES && !b->cols[i].nulls[row])
            col = &b->cols[i];
    if (col == NULL)
        return 0;
    const struct val value = {VAL_TEXT, 0, col->bytes[row], col->lengths[row]};
    rc = buf_adds(&sql, "SELECT ", err);
    if (rc == 0)
        rc = mysql_quote(def->columns[at].name, false, &sql, err);
    if (rc == 0)
        rc = buf_adds(&sql, " FROM ", err);
    if (rc == 0)
        rc = mysql_quote(def->name, true, &sql, err);
    if (rc == 0)
        rc = buf_adds(&sql, " WHERE ", err);
    if (rc == 0)
        rc = mysql_quote(def->columns[at].name, false, &sql, err);
    if (rc == 0)
        rc = buf_adds(&sql, " = ? LIMIT 1", err);
    if (rc == 0)
        rc = mysqlc_run(mysql_db(l->t)->c, sql.p, &value, 1, keep_first, &there, NULL, NULL, err);
    snprintf(why->column, sizeof why->column, "%.199s", def->columns[at].name);
    if (rc == 0 && there.n > 0 && !str_eq((struct str){there.p, there.n}, (struct str){value.p, value.n})) {
        str_printable(there.p, there.n, shown, 40);
        snprintf(why->hint, sizeof why->hint, "the table holds '%s', which equals it under the collation %s",
                 shown, def->columns[at].collation != NULL ? def->columns[at].collation : "of the column");
    }
    buf_release(&sql);
    buf_release(&there);
    return rc;
}

int mysql_refuse(struct load *l, const struct batch *b, size_t row, const struct err *why, struct err *err)
{
    struct reject_info info = {.line = b->lines[row], .offset = b->offsets[row], .raw = b->raw[row]};
    int rc = 0;

    column_of(why->msg, info.column);
    if (why->native == 3988)
        only_foreign(l->spec.table, b, info.column);
    snprintf(info.code, sizeof info.code, "%s", code_of(l, why, info.column));
    snprintf(info.message, sizeof info.message, "%.299s", why->msg);
    snprintf(info.hint, sizeof info.hint, "%.199s", why->hint);
    if (why->code == ERR_DUPLICATE_KEY)
        rc = explain_duplicate(l, b, row, &info, err);
    info.raw_total = b->raw_n[row];
    info.raw_n = b->raw_n[row] < MAX_REJECT_RAW ? b->raw_n[row] : MAX_REJECT_RAW;
    if (info.raw_n < b->raw_n[row])
        sha256_of(b->raw[row], b->raw_n[row], info.raw_sha256);
    if (rc == 0 && l->spec.on_reject == NULL) {
        *err = *why;
        return err_prefix(err, "line %lld", (long long)info.line);
    }
    return rc < 0 ? rc : l->spec.on_reject(l->spec.arg, b, row, &info, err);
}
