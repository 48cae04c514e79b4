/* The text of constants: what stands in braces is known once the file is. */
#include "base/buf.h"
#include "base/civil.h"
#include "base/limits.h"
#include "io/convert_int.h"

enum what { PARTITION, KEY, FILE_NAME, LOADED };
static const char *const names[] = {
    [PARTITION] = "partition", [KEY] = "key", [FILE_NAME] = "file", [LOADED] = "loaded"};

/* Reads one piece at *p: a name in braces, or one byte as it stands. 1 name, 0 byte, negative: neither. */
static int piece(const char **p, enum what *ret, char *ret_byte, struct err *err)
{
    const char *s = *p;

    if (*s != '{' || s[1] == '{') {
        *ret_byte = *s;
        *p = s + 1 + (*s == '{');
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t n = strlen(names[i]);
        if (strncmp(s + 1, names[i], n) == 0 && s[1 + n] == '}') {
            *ret = (enum what)i;
            *p = s + n + 2;
            return 1;
        }
    }
    err_set(err, ERR_CONFIG,
            "'%.40s' begins with a brace and is none of {partition}, {key}, {file}, {loaded}", s);
    return err_hint(err, "a brace as it stands is written twice: {{");
}

int constant_check(const char *text, struct err *err)
{
    enum what what;
    char byte;
    int rc = 0;

    for (const char *p = text; *p != '\0' && rc >= 0;)
        rc = piece(&p, &what, &byte, err);
    return rc < 0 ? rc : 0;
}

const char *constant_type(const char *text)
{
    if (strcmp(text, "{partition}") == 0 || strcmp(text, "{loaded}") == 0)
        return "DATETIME";
    return strstr(text, "{key}") != NULL ? "TEXT" : "VARCHAR(255)"; /* a key may have 1024 bytes */
}

static bool is_date(const struct column *c)
{
    return c->type == COL_DATE;
}

static bool is_moment(const struct column *c)
{
    return c->type == COL_DATETIME || c->type == COL_TIMESTAMP;
}

/* A load id is drawn from the clock: seconds since 2020 and 22 random bits (state/job.c). It is the same for every
 * try of a load and in the ledger, so the time is the same when the file is read again to be compared. */
static void add_loaded(struct buf *b, int64_t load_id, const struct column *c)
{
    struct civil at = civil_from_ms((INT64_C(1577836800) + ((load_id - 1) >> 22)) * 1000);
    struct err ignored;

    /* no longer than the maximum of a constant, which the caller asks for at the end */
    err_ignore(buf_addf(b, &ignored, is_date(c) ? "%04d-%02d-%02d" : "%04d-%02d-%02d %02d:%02d:%02d", at.year,
                        at.month, at.day, at.hour, at.minute, at.second));
}

/* An hour is 12:00 in a column of moments, and its day in one of days. */
static int add_partition(struct buf *b, const char *part, const struct column *c, struct err *err)
{
    size_t n = strlen(part);

    if (is_date(c) && n > 10)
        n = 10;
    int rc = buf_add(b, part, n, err);
    return rc == 0 && is_moment(c) && n > 10 ? buf_add(b, ":00", 3, err) : rc;
}

int constant_expand(const char *text, const struct convert_about *about, const struct column *c,
                    struct arena *a, struct csv_field *ret, struct err *err)
{
    struct buf b = BUF_INIT(MAX_CONSTANT);
    const char *p = text, *slash;
    enum what what = PARTITION;
    char byte;
    int rc = 0;

    while (*p != '\0' && rc == 0) {
        rc = piece(&p, &what, &byte, err);
        if (rc < 0)
            break;
        if (rc == 0) {
            rc = buf_add(&b, &byte, 1, err);
            continue;
        }
        rc = 0;
        if (about == NULL || about->part == NULL || about->key == NULL) {
            rc = err_set(err, ERR_CONFIG, "'%.100s' speaks of a file, and there is none", text);
        } else if (what == PARTITION) {
            rc = add_partition(&b, about->part, c, err);
        } else if (what == LOADED) {
            add_loaded(&b, about->load_id, c);
        } else {
            slash = what == FILE_NAME ? strrchr(about->key, '/') : NULL;
            const char *name = slash != NULL ? slash + 1 : about->key;
            rc = buf_add(&b, name, strlen(name), err);
        }
    }
    if (rc == 0 && b.n > 0 && !str_utf8_valid(b.p, b.n, NULL))
        rc = err_set(err, ERR_CONFIG, "'%.100s' would not be UTF-8: the object's key is not", text);
    if (rc == 0)
        *ret = (struct csv_field){arena_strndup(a, b.n > 0 ? b.p : "", b.n), (uint32_t)b.n, true};
    buf_release(&b);
    return rc;
}
