/* Names of an extract's files: "{task}/{table}_{timestamp}[_{part}]" and strftime's signs, for one attempt. */
#include "base/civil.h"
#include "base/period.h"
#include "steps/extract_int.h"

int extract_moment(const char *text, int64_t *ret_ms)
{
    struct civil c = {0};
    int n = 0, got = sscanf(text, "%4d-%2d-%2d%n", &c.year, &c.month, &c.day, &n);

    if (got != 3 || n != 10)
        return -1;
    const char *p = text + n;
    if (*p == 'T' || *p == ' ') {
        n = 0;
        got = sscanf(p + 1, "%2d%n:%2d%n:%2d%n", &c.hour, &n, &c.minute, &n, &c.second, &n);
        if (got < 1)
            return -1;
        p += 1 + n;
    }
    if (*p == '.' && p[1] != '\0' && strspn(p + 1, "0123456789") == strlen(p + 1) && strlen(p) <= 7)
        p += strlen(p);
    if (*p == 'Z')
        p++;
    if (*p != '\0' || !civil_valid(c.year, c.month, c.day) || c.hour > 23 || c.minute > 59 || c.second > 59 ||
        c.hour < 0 || c.minute < 0 || c.second < 0)
        return -1;
    *ret_ms = civil_to_ms(&c);
    return 0;
}

static int add_word(const struct extract_names *n, struct str word, int part, struct buf *ret,
                    struct err *err)
{
    struct civil c = civil_from_ms(n->local_ms);

    if (str_is(word, "task"))
        return buf_adds(ret, n->task, err);
    if (str_is(word, "table"))
        return buf_adds(ret, n->table, err);
    if (str_is(word, "run"))
        return buf_adds(ret, n->run, err);
    if (str_is(word, "epoch"))
        return buf_addf(ret, err, "%lld", (long long)(n->stamp_ms / 1000));
    if (str_is(word, "part"))
        return buf_addf(ret, err, "%d", part);
    if (str_is(word, "timestamp"))
        return buf_addf(ret, err, "%04d%02d%02d%02d%02d%02d", c.year, c.month, c.day, c.hour, c.minute,
                        c.second);
    return err_set(err, ERR_CONFIG, "path: {%.*s} is none of task, table, timestamp, epoch, run, part",
                   (int)word.n, word.p);
}

static int expand(const struct extract_names *n, const char *path, size_t len, int part, struct buf *ret,
                  struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < len; i++) {
        const char *p = path + i;
        if (*p == '[' || *p == ']') {
            const char *end = *p == '[' ? memchr(p, ']', len - i) : NULL;
            if (end == NULL)
                return err_set(err, ERR_CONFIG, "path: a [ or ] without the other");
            if (n->parts)
                rc = expand(n, p + 1, (size_t)(end - p - 1), part, ret, err);
            i += (size_t)(end - p);
        } else if (*p == '{') {
            const char *end = memchr(p, '}', len - i);
            if (end == NULL)
                return err_set(err, ERR_CONFIG, "path: a { without its }");
            rc = add_word(n, (struct str){p + 1, (size_t)(end - p - 1)}, part, ret, err);
            i += (size_t)(end - p);
        } else if (*p == '%' && i + 1 < len) {
            char layout[3] = {'%', p[1], 0}, out[PREFIX_SIZE];
            rc = part_prefix(layout, n->local_ms, out, err);
            if (rc == 0)
                rc = buf_adds(ret, out, err);
            i++;
        } else {
            rc = buf_add(ret, p, 1, err);
        }
    }
    return rc;
}

void extract_names(const struct pipeline *p, const struct extract_table *t, const char *run, int64_t stamp_ms,
                   struct extract_names *ret)
{
    const struct extract *x = p->extract;
    int64_t offset = x->format.offset_s != NULL ? x->format.offset_s(x->format.zone, stamp_ms / 1000) : 0;

    *ret = (struct extract_names){.task = x->task,
                                  .table = t->name,
                                  .run = run,
                                  .prefix = x->prefix,
                                  .path = x->path,
                                  .stamp_ms = stamp_ms,
                                  .local_ms = stamp_ms + offset * 1000,
                                  .parts = x->part_bytes > 0};
}

int extract_key(const struct extract *x, const struct extract_names *n, int part, struct buf *ret,
                struct err *err)
{
    buf_clear(ret);
    int rc = buf_adds(ret, n->prefix, err);
    if (rc == 0)
        rc = expand(n, n->path, strlen(n->path), part, ret, err);
    if (rc == 0)
        rc = buf_adds(ret, format_suffix(x->format.kind), err);
    if (rc == 0)
        rc = buf_adds(ret, packing_suffix(x->packing), err);
    return rc;
}

/* Without the part's name; and without what differs from run to run: where the sequence of manifests is. */
int extract_dir(const struct extract_names *n, bool fixed, struct buf *ret, struct err *err)
{
    size_t len = strlen(n->path), cut = 0;
    const char *slash = strrchr(n->path, '/');

    if (!fixed)
        cut = slash != NULL ? (size_t)(slash - n->path) : 0;
    for (size_t i = 0; fixed && i < len && n->path[i] != '%' && n->path[i] != '['; i++) {
        if (n->path[i] == '/')
            cut = i;
        if (n->path[i] == '{' && strncmp(n->path + i, "{task}", 6) != 0 &&
            strncmp(n->path + i, "{table}", 7) != 0)
            break;
    }
    buf_clear(ret);
    int rc = buf_adds(ret, n->prefix, err);
    if (rc == 0)
        rc = expand(n, n->path, cut, 0, ret, err);
    while (rc == 0 && ret->n > 0 && ret->p[ret->n - 1] == '/')
        ret->p[--ret->n] = '\0';
    return rc;
}

int extract_stem(const struct extract_names *n, struct buf *ret, struct err *err)
{
    size_t len = strlen(n->path), end = len;
    const char *part = strstr(n->path, "{part}"), *open = strchr(n->path, '[');

    if (n->parts && part != NULL)
        end = (size_t)(part - n->path);
    else if (open != NULL)
        end = (size_t)(open - n->path);
    buf_clear(ret);
    int rc = buf_adds(ret, n->prefix, err);
    for (size_t i = 0; rc == 0 && i < end; i++) { /* brackets before the number are open there */
        size_t run = strcspn(n->path + i, "[]");
        run = run < end - i ? run : end - i;
        rc = expand(n, n->path + i, run, 0, ret, err);
        i += run;
    }
    return rc;
}

bool extract_is_part(const struct extract *x, const struct extract_names *n, const char *stem,
                     const char *key)
{
    struct buf mine = BUF_INIT(MAX_KEY);
    struct err ignored;
    int64_t part = 0;
    const char *p = key + strlen(stem);

    if (!str_starts(key, stem))
        return false;
    for (; n->parts && *p >= '0' && *p <= '9' && part < 1000000; p++)
        part = part * 10 + (*p - '0');
    bool is = extract_key(x, n, (int)part, &mine, &ignored) == 0 && strcmp(mine.p, key) == 0;
    buf_release(&mine);
    return is;
}

int extract_path_check(const char *path, struct err *err)
{
    struct extract_names n = {
        .task = "t", .table = "t", .run = "r", .prefix = "", .path = path, .parts = true};
    struct buf key = BUF_INIT(MAX_KEY);
    int rc = expand(&n, path, strlen(path), 0, &key, err);

    buf_release(&key);
    return rc;
}
