#include "base/mem.h"
#include "steps/rejects.h"

/*
 * The kept bytes of one record through the CSV reader. In front of them goes a line of one character, which is dropped
 * again: so they do not stand at the beginning of a file, where a byte order mark or a NUL would mean something else.
 */
struct reject_parse {
    struct reader reader;
    struct csv *csv;
    char front[2];
    const char *raw;
    size_t raw_n, at; /* of front and raw together */
};

static int read_bytes(struct reader *r, void *p, size_t n, size_t *ret_n, struct err *err)
{
    struct reject_parse *m = (struct reject_parse *)r;
    size_t given = 0;

    UNUSED(err);
    for (char *out = p; given < n && m->at < sizeof m->front; given++)
        out[given] = m->front[m->at++];
    size_t done = m->at - sizeof m->front;
    if (m->at >= sizeof m->front && given < n && done < m->raw_n) {
        size_t rest = m->raw_n - done < n - given ? m->raw_n - done : n - given;
        memcpy((char *)p + given, m->raw + done, rest);
        m->at += rest;
        given += rest;
    }
    *ret_n = given;
    return 0;
}

static void close_bytes(struct reader *r)
{
    UNUSED(r); /* it is a part of what reject_parse_end frees */
}

static char plain_char(const struct csv_dialect *d)
{
    for (const char *p = "0123"; *p != '\0'; p++)
        if (*p != d->delimiter && *p != d->quote && *p != d->escape)
            return *p;
    return '4';
}

static void refuse(const struct reject *r, const char *code, const char *message, struct reject_info *ret)
{
    *ret = (struct reject_info){.line = r->line, .offset = r->offset, .raw_total = r->raw_total};
    snprintf(ret->code, sizeof ret->code, "%s", code);
    snprintf(ret->message, sizeof ret->message, "%.299s", message);
}

void reject_parse_end(struct reject_parse *p)
{
    if (p == NULL)
        return;
    csv_close(p->csv);
    free(p);
}

int reject_parse(const struct csv_dialect *d, const struct reject *r, struct csv_record *ret,
                 struct reject_info *ret_why, struct reject_parse **ret_owned, struct err *err)
{
    struct reject_parse *m = xcalloc(1, sizeof *m);
    struct err bad;

    m->reader = (struct reader){read_bytes, close_bytes};
    m->front[0] = plain_char(d);
    m->front[1] = '\n';
    m->raw = r->raw;
    m->raw_n = r->raw_n;
    *ret_owned = m;
    int rc = csv_open(&m->reader, d, &m->csv, err);
    if (rc < 0)
        return rc;
    rc = csv_next(m->csv, ret, &bad);
    if (rc == 1)
        rc = csv_next(m->csv, ret, &bad);
    if (rc < 0) { /* NUL bytes that look like UTF-16: the message says so */
        refuse(r, r->code, bad.msg, ret_why);
        return 0;
    }
    if (rc == 0 || (ret->code == CSV_GOOD && ret->raw_n != r->raw_n)) {
        refuse(r, "BAD_QUOTE", "by the dialect of now these bytes are not one record", ret_why);
        snprintf(ret_why->hint, sizeof ret_why->hint, "orch replay loads the whole file by it");
        return 0;
    }
    ret->line = r->line;
    ret->offset = r->offset;
    return 1;
}
