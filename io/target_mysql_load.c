#include "base/limits.h"
#include "base/mem.h"
#include "io/target_mysql_int.h"

/*
 * Rows into MySQL. Each slice of a batch stands under a savepoint: what the server refuses is taken back and halved,
 * down to the row that is wrong, which is reported and left out. A slice counts only when the server says that it
 * inserted as many rows as were sent, without a warning: a warning is a value that was changed.
 * The last slice of a batch is sent and not waited for: the next batch is read meanwhile.
 */

enum {
    PACKET_ROOM = 16384, /* of a packet, for what is not rows */
    CELL_ROOM = 10,      /* wire bytes of a cell beside its text: NULL flag, length; or eight of a number */
    INFILE_BATCHES = 2,  /* the caller keeps a batch until the next call is back */
};

struct insert {
    struct mysqlc_bulk *bulk;
    char *text;                    /* of a statement that is kept; NULL: it is not */
    struct mysqlc_column *columns; /* as many as spec's, and one for the line; of each batch that is held */
    size_t count;
    const struct batch
        *sent; /* whose last slice the server works on; borrowed; NULL: it has answered everything */
    size_t sent_from, sent_n;
    bool ahead;   /* batches are sent before the last ones are answered, without savepoints */
    char *infile; /* LOAD DATA LOCAL in place of INSERT; NULL: no */
    /* Batches that wait for the next: a statement takes as many, so that the server has fewer turns to wait for. */
    struct mysqlc_part held[INFILE_BATCHES];
    size_t held_n;
    size_t flying[MYSQLC_AHEAD], n; /* rows of each that is not answered yet, oldest first */
};

/* BIT would take the digits for bits, and bytes that are no text have no place in a text. */
static bool can_infile(const struct load *l)
{
    const struct load_spec *s = &l->spec;

    if (!mysql_db(l->t)->local_infile || s->careful)
        return false;
    for (size_t i = 0; i < s->column_count; i++) {
        enum col_type type = s->table->columns[s->columns[i]].type;
        if (type == COL_BIT || type == COL_BINARY)
            return false;
    }
    return true;
}

static int infile_sql(const struct load *l, struct buf *ret, struct err *err)
{
    const struct load_spec *s = &l->spec;
    int rc = buf_adds(ret, "LOAD DATA LOCAL INFILE 'orch' INTO TABLE ", err);

    if (rc == 0)
        rc = mysql_quote(s->table->name, true, ret, err);
    if (rc == 0)
        rc = buf_adds(
            ret,
            " CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n'",
            err);
    for (size_t i = 0; rc == 0 && i < s->column_count; i++) {
        rc = buf_adds(ret, i == 0 ? " (" : ",", err);
        if (rc == 0)
            rc = mysql_quote(s->table->columns[s->columns[i]].name, false, ret, err);
    }
    if (rc == 0 && !s->table->has_lineage)
        return buf_adds(ret, ")", err);
    if (rc == 0 && s->members != NULL)
        return buf_adds(ret, ",_orch_load_id,_orch_line)", err);
    return rc < 0 ? rc : buf_addf(ret, err, ",_orch_line) SET _orch_load_id=%lld", (long long)s->load_id);
}

/*
 * A deadlock ends the whole transaction, and what was sent behind the batch that met it would be committed by itself, with
 * no word of it in the ledger. So here nothing is: the next statement opens a transaction, which goes with the connection.
 */
static int manual_commit(const struct target *t, struct err *err)
{
    int rc = mysqlc_exec(mysql_db(t)->c, "SET SESSION autocommit = 0", err);

    if (rc == 0)
        mysql_db(t)->manual = true;
    return rc;
}

int mysql_manual(struct target *t, bool on, struct err *err)
{
    return mysqlc_exec(mysql_db(t)->c, on ? "SET SESSION autocommit = 0" : "SET SESSION autocommit = 1", err);
}

int mysql_load_over(struct target *t, struct err *err)
{
    if (!mysql_db(t)->manual)
        return 0;
    mysql_db(t)->manual = false;
    return mysqlc_exec(mysql_db(t)->c, "SET SESSION autocommit = 1", err);
}

/* --- statements that are kept --- */

static struct mysqlc_bulk *take_kept(struct mysql_db *db, const char *text)
{
    for (size_t i = 0; i < KEPT_INSERTS; i++) {
        struct mysqlc_bulk *bulk = db->kept[i].bulk;
        if (bulk == NULL || strcmp(db->kept[i].text, text) != 0)
            continue;
        free(db->kept[i].text);
        db->kept[i].bulk = NULL;
        db->kept[i].text = NULL;
        return bulk;
    }
    return NULL;
}

static void keep(struct mysql_db *db, char *text, struct mysqlc_bulk *bulk)
{
    size_t at = db->next_kept;

    db->next_kept = (at + 1) % KEPT_INSERTS;
    mysqlc_bulk_free(db->kept[at].bulk);
    free(db->kept[at].text);
    db->kept[at].bulk = bulk;
    db->kept[at].text = text;
}

void mysql_forget_inserts(struct mysql_db *db)
{
    for (size_t i = 0; i < KEPT_INSERTS; i++) {
        mysqlc_bulk_free(db->kept[i].bulk);
        free(db->kept[i].text);
    }
}

int mysql_insert_open(struct load *l, struct err *err)
{
    const struct load_spec *s = &l->spec;
    bool lineage = s->table->has_lineage;
    struct buf head = BUF_INIT(MAX_SQL), row = BUF_INIT(MAX_SQL);
    struct insert *in = xcalloc(1, sizeof *in);
    int rc;

    l->insert = in;
    in->count = s->column_count + lineage + (lineage && s->members != NULL);
    in->columns = xcalloc(INFILE_BATCHES * in->count, sizeof *in->columns);
    rc = buf_adds(&head, "INSERT INTO ", err);
    if (rc == 0)
        rc = mysql_quote(s->table->name, true, &head, err);
    for (size_t i = 0; rc == 0 && i < s->column_count; i++) {
        rc = buf_adds(&head, i == 0 ? " (" : ",", err);
        if (rc == 0)
            rc = mysql_quote(s->table->columns[s->columns[i]].name, false, &head, err);
        if (rc == 0)
            rc = buf_adds(&row, i == 0 ? "(?" : ",?", err);
    }
    if (rc == 0)
        rc = buf_adds(&head, lineage ? ",_orch_load_id,_orch_line) VALUES " : ") VALUES ", err);
    if (rc == 0)
        rc = !lineage             ? buf_adds(&row, ")", err)
             : s->members != NULL ? buf_adds(&row, ",?,?)", err)
                                  : buf_addf(&row, err, ",%lld,?)", (long long)s->load_id);
    if (rc == 0 && l->kept) {
        in->text = xstrdup(head.p);
        in->bulk = take_kept(mysql_db(l->t), head.p);
    }
    if (rc == 0 && in->bulk == NULL)
        rc = mysqlc_bulk_new(mysql_db(l->t)->c, head.p, row.p, in->count, &in->bulk, err);
    in->ahead = rc == 0 && !s->careful && mysqlc_bulk_can_send(in->bulk);
    if (in->ahead)
        rc = manual_commit(l->t, err);
    if (rc == 0 && !in->ahead && !mysqlc_has_arrays(mysql_db(l->t)->c) && can_infile(l)) {
        buf_clear(&head);
        rc = infile_sql(l, &head, err);
        in->infile = xstrdup(head.p);
    }
    buf_release(&head);
    buf_release(&row);
    return rc;
}

void mysql_insert_close(struct load *l)
{
    struct insert *in = l->insert;
    bool keeps = in->text != NULL && in->bulk != NULL && in->sent == NULL && l->t->db != NULL &&
                 l->t->serial == l->serial && !mysqlc_is_lost(mysql_db(l->t)->c);

    if (keeps) {
        keep(mysql_db(l->t), in->text, in->bulk);
    } else {
        mysqlc_bulk_free(in->bulk);
        free(in->text);
    }
    free(in->infile);
    free(in->columns);
    free(in);
    l->insert = NULL;
}

/* cols: in->count of them. */
static void point_at(const struct insert *in, struct mysqlc_column *cols, const struct load *l,
                     const struct batch *b)
{
    for (size_t i = 0; i < b->col_count; i++) {
        const struct batch_col *from = &b->cols[i];
        enum col_type type = l->spec.table->columns[from->column].type;
        struct mysqlc_column *to = &cols[i];
        *to = (struct mysqlc_column){.nulls = from->nulls};
        switch (from->kind) {
        case CELL_I64:
        case CELL_U64:
            to->kind = from->kind == CELL_I64 ? BULK_I64 : BULK_U64;
            to->values = from->i64;
            to->is_year = type == COL_YEAR;
            break;
        case CELL_DOUBLE:
            to->kind = BULK_DOUBLE;
            to->values = from->dbl;
            to->mantissa = from->mantissa;
            to->exp10 = from->exp10;
            break;
        case CELL_BYTES:
            to->kind = type == COL_BINARY ? BULK_BLOB : BULK_TEXT;
            to->values = from->bytes;
            to->lengths = from->lengths;
            break;
        }
    }
    if (in->count == b->col_count + 2)
        cols[b->col_count] = (struct mysqlc_column){.kind = BULK_I64, .values = b->load_ids};
    if (in->count > b->col_count)
        cols[in->count - 1] = (struct mysqlc_column){.kind = BULK_I64, .values = b->lines};
}

static size_t row_bytes(const struct batch *b, size_t row)
{
    size_t n = CELL_ROOM;

    for (size_t i = 0; i < b->col_count; i++) {
        const struct batch_col *c = &b->cols[i];
        n += CELL_ROOM + (c->kind == CELL_BYTES && !c->nulls[row] ? c->lengths[row] : 0);
    }
    return n;
}

/* --- slices --- */

static bool is_about_data(const struct err *err)
{
    return err->code == ERR_BAD_VALUE || err->code == ERR_DUPLICATE_KEY;
}

static int keep_warning(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct err *first = arg;

    UNUSED(err);
    if (count == 3 && first->code == ERR_OK) {
        err_set(first, ERR_BAD_VALUE, "%s", cells[2].p != NULL ? cells[2].p : "a warning");
        err_hint(first, "the server would have changed the value");
        first->native = (int)target_cell_i64(cells[1]);
    }
    return 0;
}

static int start_slice(struct load *l, size_t from, size_t n, struct err *err)
{
    struct insert *in = l->insert;
    int rc = l->bare ? 0 : mysqlc_exec(mysql_db(l->t)->c, "SAVEPOINT orch_slice", err);

    if (rc == 0)
        mysqlc_bulk_start(in->bulk, in->columns, from, n);
    return rc;
}

/* 0: all rows of the slice are in. ERR_BAD_VALUE or ERR_DUPLICATE_KEY: one of them is refused, and none is in. */
static int finish_slice(struct load *l, size_t n, struct err *err)
{
    struct mysqlc *c = mysql_db(l->t)->c;
    struct insert *in = l->insert;
    struct err refused = {0}, ignored;
    int64_t inserted = 0;
    unsigned warnings = 0;

    int rc = mysqlc_bulk_finish(in->bulk, &inserted, &warnings, &refused);
    if (rc == 0 && warnings == 0 && inserted == (int64_t)n)
        return 0;
    if (rc == 0 && warnings > 0) {
        rc = mysqlc_run(c, "SHOW WARNINGS", NULL, 0, keep_warning, &refused, NULL, NULL, &ignored);
        if (rc < 0)
            refused = ignored;
        else if (refused.code == ERR_OK)
            err_set(&refused, ERR_BAD_VALUE, "the server warns, and does not say of what");
    } else if (rc == 0) {
        err_set(&refused, ERR_MISMATCH, "%zu rows were sent, and the server says that it inserted %lld", n,
                (long long)inserted);
    }
    *err = refused;
    if (!is_about_data(err))
        return -(int)err->code;
    if (l->bare) {
        err->native = TARGET_CAREFUL;
        return -(int)err->code;
    }
    rc = mysqlc_exec(c, "ROLLBACK TO SAVEPOINT orch_slice", &ignored);
    if (rc < 0)
        *err = ignored;
    return -(int)err->code;
}

static int insert_slice(struct load *l, const struct batch *b, size_t from, size_t n, struct err *err);

/* The answer to a slice: counted, or halved till the row is found. Deep as the logarithm of a batch's rows. */
static int end_slice(struct load *l, const struct batch *b, size_t from, size_t n, struct err *err)
{
    struct err why;
    int rc = finish_slice(l, n, err);

    if (rc == 0) {
        l->inserted += (int64_t)n;
        return 0;
    }
    if (!is_about_data(err) || l->bare)
        return rc;
    if (n == 1) {
        why = *err;
        return mysql_refuse(l, b, from, &why, err);
    }
    rc = insert_slice(l, b, from, n / 2, err);
    return rc < 0 ? rc : insert_slice(l, b, from + n / 2, n - n / 2, err);
}

static int insert_slice(struct load *l, const struct batch *b, size_t from, size_t n, struct err *err)
{
    int rc = target_beat(l->t, err);

    if (rc == 0)
        rc = start_slice(l, from, n, err);
    return rc < 0 ? rc : end_slice(l, b, from, n, err);
}

/* --- ahead of the server --- */

/* What was sent behind a refused batch is in, so there is no going on from here. */
static int count_answer(struct load *l, int rc, size_t n, int64_t inserted, unsigned warnings,
                        struct err *err)
{
    if (rc == 0 && warnings == 0 && inserted == (int64_t)n) {
        l->inserted += inserted;
        return 0;
    }
    if (rc == 0 && warnings == 0)
        return err_set(err, ERR_MISMATCH, "%zu rows were sent, and the server says that it inserted %lld", n,
                       (long long)inserted);
    if (rc == 0)
        rc = err_set(err, ERR_BAD_VALUE, "the server warns of a value that it would change");
    if (is_about_data(err))
        err->native = TARGET_CAREFUL;
    return rc;
}

/* The oldest answer. */
static int one_answer(struct load *l, struct err *err)
{
    struct insert *in = l->insert;
    int64_t inserted = 0;
    unsigned warnings = 0;
    size_t n = in->flying[0];

    memmove(in->flying, in->flying + 1, (MYSQLC_AHEAD - 1) * sizeof *in->flying);
    in->n--;
    int rc = mysqlc_bulk_answer(in->bulk, &inserted, &warnings, err);
    return count_answer(l, rc, n, inserted, warnings, err);
}

static int row_too_wide(struct err *err)
{
    err_set(err, ERR_BAD_VALUE, "a row is larger than the server takes in one statement");
    err->native = TARGET_CAREFUL;
    return -(int)ERR_BAD_VALUE;
}

/* What is held, in one statement. */
static int infile_send(struct load *l, struct err *err)
{
    struct insert *in = l->insert;
    int64_t inserted = 0;
    unsigned warnings = 0;
    size_t count = in->held_n, rows = 0;

    in->held_n = 0;
    for (size_t i = 0; i < count; i++)
        rows += in->held[i].rows;
    int rc = target_beat(l->t, err);
    if (rc == 0)
        rc = mysqlc_infile(mysql_db(l->t)->c, in->infile, in->held, count, in->count, &inserted, &warnings,
                           err);
    return count_answer(l, rc, rows, inserted, warnings, err);
}

static int infile_hold(struct load *l, const struct batch *b, struct err *err)
{
    size_t limit = (size_t)mysql_db(l->t)->max_packet - PACKET_ROOM;
    struct insert *in = l->insert;
    struct mysqlc_column *cols = in->columns + in->held_n * in->count;

    if (b->rows == 0)
        return 0;
    if (b->bytes > limit)
        for (size_t row = 0; row < b->rows; row++)
            if (row_bytes(b, row) > limit)
                return row_too_wide(err);
    point_at(in, cols, l, b);
    in->held[in->held_n++] = (struct mysqlc_part){cols, b->rows};
    return in->held_n < INFILE_BATCHES ? 0 : infile_send(l, err);
}

static int send_slice(struct load *l, size_t from, size_t n, struct err *err)
{
    struct insert *in = l->insert;
    int rc = target_beat(l->t, err);

    if (rc == 0 && in->n == MYSQLC_AHEAD)
        rc = one_answer(l, err);
    if (rc == 0)
        rc = mysqlc_bulk_send(in->bulk, in->columns, from, n, err);
    if (rc == 0)
        in->flying[in->n++] = n;
    return rc;
}

/* Whole batches of one width; what does not fit a packet is for the careful way. */
static int insert_ahead(struct load *l, const struct batch *b, struct err *err)
{
    size_t limit = (size_t)mysql_db(l->t)->max_packet - PACKET_ROOM, from = 0, bytes = 0;
    struct insert *in = l->insert;
    int rc = 0;

    point_at(in, in->columns, l, b);
    for (size_t row = 0; rc == 0 && row < b->rows; row++) {
        size_t wide = row_bytes(b, row);
        if (wide > limit)
            return row_too_wide(err);
        if (bytes + wide > limit) {
            rc = send_slice(l, from, row - from, err);
            from = row;
            bytes = 0;
        }
        bytes += wide;
    }
    if (rc == 0 && b->rows > from)
        rc = send_slice(l, from, b->rows - from, err);
    return rc;
}

int mysql_insert_settle(struct load *l, struct err *err)
{
    struct insert *in = l->insert;
    const struct batch *b = in->sent;

    while (in->n > 0 || in->held_n > 0) {
        int answered = in->n > 0 ? one_answer(l, err) : infile_send(l, err);
        if (answered < 0)
            return answered;
    }
    if (b == NULL)
        return 0;
    in->sent = NULL;
    int rc = end_slice(l, b, in->sent_from, in->sent_n, err);
    if (rc < 0 && l->t->ops->is_lost(l->t)) /* the rows are gone with the connection; the caller aborts */
        l->inserted = 0;
    return rc;
}

static int too_wide(struct load *l, const struct batch *b, size_t row, size_t bytes, struct err *err)
{
    const struct batch_col *widest = NULL;
    unsigned long most = 0;
    char text[120] = "";
    struct err why;

    for (size_t i = 0; i < b->col_count; i++)
        if (b->cols[i].kind == CELL_BYTES && !b->cols[i].nulls[row] && b->cols[i].lengths[row] > most) {
            widest = &b->cols[i];
            most = widest->lengths[row];
        }
    if (widest != NULL)
        snprintf(text, sizeof text, ": %lu of them for column '%.70s'", most,
                 l->spec.table->columns[widest->column].name);
    err_set(&why, ERR_BAD_VALUE,
            "the server takes at most %lld bytes in one statement, and the row takes %zu%s",
            (long long)mysql_db(l->t)->max_packet, bytes, text);
    err_hint(&why, "raise max_allowed_packet on the server");
    why.native = 1406;
    if (l->bare) {
        *err = why;
        err->native = TARGET_CAREFUL;
        return -(int)ERR_BAD_VALUE;
    }
    return mysql_refuse(l, b, row, &why, err);
}

int mysql_insert_rows(struct load *l, const struct batch *b, struct err *err)
{
    size_t limit = (size_t)mysql_db(l->t)->max_packet - PACKET_ROOM;
    struct insert *in = l->insert;
    size_t from = 0, bytes = 0;
    int rc = 0;

    if (b->col_count != l->spec.column_count)
        return err_set(err, ERR_INTERNAL, "a batch of %zu columns for a load of %zu", b->col_count,
                       l->spec.column_count);
    if (l->spec.members != NULL && b->load_ids == NULL)
        return err_set(err, ERR_INTERNAL, "a batch without load ids for a load of several objects");
    if (in->infile != NULL)
        return infile_hold(l, b, err);
    if (in->ahead)
        return insert_ahead(l, b, err);
    rc = mysql_insert_settle(l, err);
    if (rc < 0)
        return rc;
    point_at(in, in->columns, l, b);
    for (size_t row = 0; rc == 0 && row < b->rows; row++) {
        size_t wide = row_bytes(b, row);
        if (bytes + wide > limit || wide > limit) {
            if (row > from)
                rc = insert_slice(l, b, from, row - from, err);
            from = row;
            bytes = 0;
        }
        if (rc == 0 && wide > limit) {
            rc = too_wide(l, b, row, wide, err);
            from = row + 1;
            continue;
        }
        bytes += wide;
    }
    if (rc == 0 && b->rows > from) {
        rc = start_slice(l, from, b->rows - from, err);
        if (rc == 0)
            in->sent = b;
        in->sent_from = from;
        in->sent_n = b->rows - from;
    }
    if (rc < 0 && l->t->ops->is_lost(l->t))
        l->inserted = 0;
    return rc;
}
