#include "base/limits.h"
#include "base/mem.h"
#include "io/target_sqlite_int.h"

enum { BEAT_ROWS = 512 };

/* --- rows --- */

struct insert {
    sqlite3_stmt *stmt;
};

int sqlite_insert_open(struct load *l, struct err *err)
{
    const struct load_spec *s = &l->spec;
    struct sqlite_db *db = l->t->db;
    struct buf sql = BUF_INIT(MAX_SQL);
    struct insert *in = xcalloc(1, sizeof *in);

    l->insert = in;
    /* OR ABORT: a table may say ON CONFLICT REPLACE or IGNORE of its keys, and rows would vanish without a word */
    int rc = buf_adds(&sql, "INSERT OR ABORT INTO ", err);
    if (rc == 0)
        rc = sqlite_quote(s->table->name, true, &sql, err);
    for (size_t i = 0; rc == 0 && i < s->column_count; i++) {
        rc = buf_adds(&sql, i == 0 ? " (" : ",", err);
        if (rc == 0)
            rc = sqlite_quote(s->table->columns[s->columns[i]].name, false, &sql, err);
    }
    if (rc == 0)
        rc =
            buf_adds(&sql, s->table->has_lineage ? ",_orch_load_id,_orch_line) VALUES (" : ") VALUES (", err);
    for (size_t i = 0; rc == 0 && i < s->column_count; i++)
        rc = buf_adds(&sql, i == 0 ? "?" : ",?", err);
    if (rc == 0)
        rc = buf_adds(&sql, s->table->has_lineage ? ",?,?)" : ")", err);
    if (rc == 0) {
        int code = sqlite3_prepare_v2(db->db, sql.p, -1, &in->stmt, NULL);
        if (code != SQLITE_OK)
            rc = sqlite_fail(l->t, code, err);
    }
    buf_release(&sql);
    return rc;
}

void sqlite_insert_close(struct load *l)
{
    struct insert *in = l->insert;

    sqlite3_finalize(in->stmt);
    free(in);
    l->insert = NULL;
}

static int bind_cell(sqlite3_stmt *stmt, int at, const struct batch_col *c, size_t row, bool blob)
{
    if (c->nulls[row])
        return sqlite3_bind_null(stmt, at);
    switch (c->kind) {
    case CELL_I64:
    case CELL_U64: /* described as at most INT64_MAX */
        return sqlite3_bind_int64(stmt, at, c->i64[row]);
    case CELL_DOUBLE:
        return sqlite3_bind_double(stmt, at, c->dbl[row]);
    case CELL_BYTES:
        return blob ? sqlite3_bind_blob64(stmt, at, c->bytes[row], c->lengths[row], SQLITE_STATIC)
                    : sqlite3_bind_text64(stmt, at, c->bytes[row], c->lengths[row], SQLITE_STATIC,
                                          SQLITE_UTF8);
    }
    return SQLITE_MISUSE;
}

static int insert_one(struct load *l, const struct batch *b, size_t row)
{
    struct sqlite_db *db = l->t->db;
    sqlite3_stmt *stmt = ((struct insert *)l->insert)->stmt;
    int at = 1, code = SQLITE_OK;

    for (size_t i = 0; code == SQLITE_OK && i < b->col_count; i++) {
        const struct batch_col *c = &b->cols[i];
        code = bind_cell(stmt, at++, c, row, l->spec.table->columns[c->column].type == COL_BINARY);
    }
    if (code == SQLITE_OK && l->spec.table->has_lineage) {
        code = sqlite3_bind_int64(stmt, at, l->spec.members != NULL ? b->load_ids[row] : l->spec.load_id);
        if (code == SQLITE_OK)
            code = sqlite3_bind_int64(stmt, at + 1, b->lines[row]);
    }
    db->beat_rc = 0;
    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    return code;
}

static const struct {
    int native;
    const char *code;
} codes[] = {
    {SQLITE_CONSTRAINT_UNIQUE, "DUPLICATE_KEY"}, {SQLITE_CONSTRAINT_PRIMARYKEY, "DUPLICATE_KEY"},
    {SQLITE_CONSTRAINT_ROWID, "DUPLICATE_KEY"},  {SQLITE_CONSTRAINT_NOTNULL, "NOT_NULL"},
    {SQLITE_CONSTRAINT_CHECK, "CHECK_FAILED"},   {SQLITE_CONSTRAINT_FOREIGNKEY, "FOREIGN_KEY"},
};

static int reject(struct load *l, const struct batch *b, size_t row, const struct err *why, struct err *err)
{
    struct reject_info info = {.line = b->lines[row], .offset = b->offsets[row], .raw = b->raw[row]};

    snprintf(info.code, sizeof info.code, "REFUSED_BY_SERVER");
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i].native == why->native)
            snprintf(info.code, sizeof info.code, "%s", codes[i].code);
    /* "UNIQUE constraint failed: loans.id, loans.part": the first column */
    const char *failed = strstr(why->msg, "failed: "), *dot = failed != NULL ? strchr(failed, '.') : NULL;
    if (dot != NULL)
        snprintf(info.column, sizeof info.column, "%.*s", (int)strcspn(dot + 1, ","), dot + 1);
    snprintf(info.message, sizeof info.message, "%.299s", why->msg);
    info.raw_total = b->raw_n[row];
    info.raw_n = b->raw_n[row] < MAX_REJECT_RAW ? b->raw_n[row] : MAX_REJECT_RAW;
    if (info.raw_n < b->raw_n[row])
        sha256_of(b->raw[row], b->raw_n[row], info.raw_sha256);
    if (l->spec.on_reject == NULL) {
        *err = *why;
        return err_prefix(err, "line %lld", (long long)info.line);
    }
    return l->spec.on_reject(l->spec.arg, b, row, &info, err);
}

int sqlite_insert_rows(struct load *l, const struct batch *b, struct err *err)
{
    struct sqlite_db *db = l->t->db;
    sqlite3_stmt *stmt = ((struct insert *)l->insert)->stmt;
    struct err why;

    if (b->col_count != l->spec.column_count)
        return err_set(err, ERR_INTERNAL, "a batch of %zu columns for a load of %zu", b->col_count,
                       l->spec.column_count);
    if (l->spec.members != NULL && b->load_ids == NULL)
        return err_set(err, ERR_INTERNAL, "a batch without load ids for a load of several objects");
    for (size_t row = 0; row < b->rows; row++) {
        int code = insert_one(l, b, row);
        int64_t changed = sqlite3_changes(db->db);
        int rc = code == SQLITE_DONE ? 0 : sqlite_fail(l->t, code, &why);
        sqlite3_reset(stmt);
        if (rc == 0 && changed != 1)
            return err_set(err, ERR_MISMATCH,
                           "line %lld: one row was sent, and SQLite says that %lld changed",
                           (long long)b->lines[row], (long long)changed);
        if (rc == 0) {
            l->inserted++;
            rc = row % BEAT_ROWS == 0 ? target_beat(l->t, err) : 0;
            if (rc < 0)
                return rc;
            continue;
        }
        if (why.code != ERR_BAD_VALUE && why.code != ERR_DUPLICATE_KEY) {
            *err = why;
            return rc;
        }
        if (sqlite3_get_autocommit(db->db)) /* a RAISE(ROLLBACK) of the user's own */
            return err_set(err, ERR_TARGET, "line %lld: the table ended the transaction: %.300s",
                           (long long)b->lines[row], why.msg);
        rc = reject(l, b, row, &why, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}
