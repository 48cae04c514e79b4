/* What a request says, taken apart. Nothing here trusts a byte, and nothing is decoded twice. */
#include "base/mem.h"
#include "orchestrator/serve_int.h"
#include <ctype.h>
#include <strings.h>

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* %XX of p[0..n) into out (room for n+1). lines: tab, CR and LF may be there. -1: what nobody means. */
static long decode(const char *p, size_t n, bool plus, bool lines, char *out)
{
    size_t o = 0, bad;

    for (size_t i = 0; i < n; i++) {
        int c = (unsigned char)p[i];
        if (c == '+' && plus) {
            c = ' ';
        } else if (c == '%') {
            int a = i + 2 < n ? hex(p[i + 1]) : -1, b = a >= 0 ? hex(p[i + 2]) : -1;
            if (b < 0)
                return -1;
            c = a * 16 + b;
            i += 2;
        }
        if (c == 0x7f || (c < ' ' && !(lines && (c == '\t' || c == '\r' || c == '\n'))))
            return -1;
        out[o++] = (char)c;
    }
    out[o] = '\0';
    return str_utf8_valid(out, o, &bad) == 1 ? (long)o : -1;
}

int serve_fields_parse(const char *p, size_t n, bool lines, struct serve_fields *ret, struct err *err)
{
    const char *end = p + n;
    char *at;

    *ret = (struct serve_fields){.memory = xmalloc(n + 2 * MAX_SERVE_FIELDS + 2)};
    at = ret->memory;
    while (p < end) {
        const char *stop = memchr(p, '&', (size_t)(end - p));
        stop = stop != NULL ? stop : end;
        const char *sign = memchr(p, '=', (size_t)(stop - p)), *name_end = sign != NULL ? sign : stop;
        const char *value = sign != NULL ? sign + 1 : stop;
        if (ret->count == MAX_SERVE_FIELDS)
            return err_set(err, ERR_USAGE, "more than %d names in a query or form", MAX_SERVE_FIELDS);
        struct serve_field *f = &ret->items[ret->count];
        if (stop > p) {
            long a = decode(p, (size_t)(name_end - p), true, false, at);
            f->name = at;
            at += a >= 0 ? a + 1 : 0;
            long b = a >= 0 ? decode(value, (size_t)(stop - value), true, lines, at) : -1;
            f->value = at;
            at += b >= 0 ? b + 1 : 0;
            if (b < 0)
                return err_set(err, ERR_USAGE,
                               "a query or form holds what is no UTF-8, a control character, or a '%%' "
                               "without two hexadecimal digits");
            if (serve_fields_get(ret, f->name) != NULL) {
                char shown[100];
                str_printable(f->name, strlen(f->name), shown, sizeof shown);
                return err_set(err, ERR_USAGE, "'%s' is there twice", shown);
            }
            ret->count++;
        }
        p = stop + 1;
    }
    return 0;
}

void serve_fields_release(struct serve_fields *f)
{
    free(f->memory);
    *f = (struct serve_fields){0};
}

const char *serve_fields_get(const struct serve_fields *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->items[i].name, name) == 0)
            return f->items[i].value;
    return NULL;
}

/* "..", and "a/../b" that was one part because its slashes were encoded. */
static bool has_dots(const char *part)
{
    for (;; part++) {
        size_t n = strcspn(part, "/");
        if ((n == 1 || n == 2) && strspn(part, ".") == n)
            return true;
        part += n;
        if (*part == '\0')
            return false;
    }
}

int serve_path_parse(const char *p, size_t n, struct serve_path *ret, struct err *err)
{
    size_t at = 0, shown = 0;

    *ret = (struct serve_path){.memory = xmalloc(n + SERVE_MAX_SEGMENTS + 2), .decoded = xmalloc(n + 2)};
    snprintf(ret->decoded, n + 2, "/");
    if (n == 0 || p[0] != '/')
        return err_set(err, ERR_USAGE, "a path begins with '/'");
    if (n == 1)
        return 0;
    for (size_t i = 1; i <= n;) {
        const char *slash = memchr(p + i, '/', n - i);
        size_t length = slash != NULL ? (size_t)(slash - (p + i)) : n - i;
        if (ret->count == SERVE_MAX_SEGMENTS)
            return err_set(err, ERR_USAGE, "a path with more than %d parts", SERVE_MAX_SEGMENTS);
        char *part = ret->memory + at;
        long got = decode(p + i, length, false, false, part);
        if (got < 0)
            return err_set(err, ERR_USAGE,
                           "a path holds what is no UTF-8, a control character, or a '%%' without two "
                           "hexadecimal digits");
        if (has_dots(part))
            return err_set(err, ERR_USAGE, "'.' and '..' have no meaning in a path here");
        ret->segments[ret->count++] = part;
        at += (size_t)got + 1;
        shown += (size_t)snprintf(ret->decoded + shown, n + 2 - shown, "/%s", part);
        i += length + 1;
    }
    return 0;
}

void serve_path_release(struct serve_path *p)
{
    free(p->memory);
    free(p->decoded);
    *p = (struct serve_path){0};
}

/* How many of the path's parts stand for {names}; -1: it is another path. */
static int match(const char *pattern, const struct serve_path *p, const char *args[SERVE_MAX_ARGS])
{
    int n = 0;

    pattern++;
    for (size_t i = 0; i < p->count; i++) {
        size_t length = strcspn(pattern, "/");
        const char *have = p->segments[i];
        if (length == 0 || *have == '\0')
            return -1;
        if (*pattern == '{' && n < SERVE_MAX_ARGS)
            args[n++] = have;
        else if (strlen(have) != length || memcmp(have, pattern, length) != 0)
            return -1;
        pattern += length;
        if (i + 1 < p->count && *pattern++ != '/')
            return -1;
    }
    return *pattern == '\0' ? n : -1;
}

static void add_method(char allow[64], const char *method)
{
    size_t n = strlen(allow);
    const char *seen = strstr(allow, method);

    if (seen == NULL)
        snprintf(allow + n, 64 - n, "%s%s%s", n > 0 ? ", " : "", method,
                 strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

const struct serve_route *serve_route_find(const struct serve_route *routes, const char *method,
                                           const struct serve_path *p, const char *args[SERVE_MAX_ARGS],
                                           char ret_allow[64])
{
    const struct serve_route *found = NULL;
    const char *got[SERVE_MAX_ARGS];
    int fewest = SERVE_MAX_ARGS + 1;

    ret_allow[0] = '\0';
    for (const struct serve_route *r = routes; r->path != NULL; r++) {
        int n = match(r->path, p, got);
        if (n < 0)
            continue;
        add_method(ret_allow, r->method);
        if (strcmp(r->method, method) != 0 || n >= fewest) /* a word goes before a {name} */
            continue;
        found = r;
        fewest = n;
        memcpy(args, got, (size_t)n * sizeof *args);
    }
    if (ret_allow[0] != '\0')
        add_method(ret_allow, "OPTIONS");
    return found;
}

bool serve_host_split(const char *p, char name[SERVE_HOST_SIZE], char port[8])
{
    size_t n = *p == '[' ? strcspn(p, "]") : strcspn(p, ":"), digits;

    if (*p == '[')
        n += p[n] == ']';
    name[0] = port[0] = '\0';
    if (n == 0 || n >= SERVE_HOST_SIZE || (*p == '[' && p[n - 1] != ']'))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool fits = isalnum((unsigned char)p[i]) || strchr(*p == '[' ? "[]:." : "-._", p[i]) != NULL;
        if (!fits || p[i] == '\0')
            return false;
        name[i] = (char)tolower((unsigned char)p[i]);
    }
    name[n] = '\0';
    if (p[n] == '\0')
        return true;
    digits = strspn(p + n + 1, "0123456789");
    if (p[n] != ':' || p[n + 1 + digits] != '\0' || digits == 0 || digits > 5)
        return false;
    snprintf(port, 8, "%s", p + n + 1);
    return true;
}

bool serve_origin_is(const char *origin, const char *host)
{
    char a[SERVE_HOST_SIZE], b[SERVE_HOST_SIZE], pa[8], pb[8];
    const char *standard = str_starts(origin, "https://") ? "443" : "80";
    const char *rest = str_starts(origin, "https://")  ? origin + 8
                       : str_starts(origin, "http://") ? origin + 7
                                                       : NULL;

    if (rest == NULL || !serve_host_split(rest, a, pa) || !serve_host_split(host, b, pb))
        return false;
    return strcmp(a, b) == 0 && strcmp(*pa != '\0' ? pa : standard, *pb != '\0' ? pb : standard) == 0;
}

void serve_content_type(const char *value, char *out, size_t size)
{
    struct str s = str_trim((struct str){value, strcspn(value, ";")});
    size_t n = s.n < size ? s.n : 0; /* what is that long is none that we know */

    for (size_t i = 0; i < n; i++)
        out[i] = (char)tolower((unsigned char)s.p[i]);
    out[n] = '\0';
}

/* Does a list of "name;q=0.5, name" have the name, with more than q=0? */
static bool takes(const char *list, const char *name)
{
    while (*list != '\0') {
        size_t n = strcspn(list, ",");
        struct str item = {list, n}, word = str_trim((struct str){list, strcspn(list, ",;")});
        if (word.n == strlen(name) && strncasecmp(word.p, name, word.n) == 0) {
            const char *q = memchr(item.p, '=', item.n);
            while (q != NULL && q + 1 < item.p + item.n && strchr("0. ", q[1]) != NULL)
                q++;
            return q == NULL || (q + 1 < item.p + item.n && isdigit((unsigned char)q[1]));
        }
        list += n + (list[n] == ',');
    }
    return false;
}

bool serve_takes_gzip(const char *accept_encoding)
{
    return takes(accept_encoding, "gzip");
}

bool serve_wants_page(const char *accept)
{
    return takes(accept, "text/html");
}

bool serve_cookie(const char *header, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);

    while (*header != '\0') {
        size_t n = strcspn(header, ";");
        struct str item = str_trim((struct str){header, n});
        if (item.n > length && memcmp(item.p, name, length) == 0 && item.p[length] == '=' &&
            item.n - length - 1 < size) {
            memcpy(out, item.p + length + 1, item.n - length - 1);
            out[item.n - length - 1] = '\0';
            return true;
        }
        header += n + (header[n] == ';');
    }
    return false;
}
