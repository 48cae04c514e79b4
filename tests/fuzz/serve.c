/*
 * What a request says, taken apart: first byte: which part. Whatever comes out of a decoded path or query is UTF-8 without
 * control characters, is no '.' or '..', and fits the memory that was made for it; a route is found only where the path has
 * its form; a Host that is taken holds nothing that a header or a log could be broken with.
 */
#include "base/mem.h"
#include "orchestrator/serve_int.h"
#include <assert.h>
#include <ctype.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void clean(const char *s, bool lines)
{
    size_t bad;

    assert(str_utf8_valid(s, strlen(s), &bad) == 1);
    for (; *s != '\0'; s++)
        assert((unsigned char)*s != 0x7f &&
               ((unsigned char)*s >= ' ' || (lines && strchr("\t\r\n", *s) != NULL)));
}

static void try_fields(const char *p, size_t n, bool lines)
{
    struct serve_fields f;
    struct err err;
    int rc = serve_fields_parse(p, n, lines, &f, &err);

    assert(rc == 0 || err.code == ERR_USAGE);
    assert(f.count <= MAX_SERVE_FIELDS);
    for (size_t i = 0; rc == 0 && i < f.count; i++) {
        clean(f.items[i].name, false);
        clean(f.items[i].value, lines);
        assert(serve_fields_get(&f, f.items[i].name) == f.items[i].value);
    }
    serve_fields_release(&f);
}

static void try_path(const char *p, size_t n)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "G"};
    struct serve_path path;
    const char *args[SERVE_MAX_ARGS] = {0};
    char allow[64];
    struct err err;
    int rc = serve_path_parse(p, n, &path, &err);

    assert(rc == 0 || err.code == ERR_USAGE);
    assert(path.count <= SERVE_MAX_SEGMENTS && path.decoded[0] == '/');
    for (size_t i = 0; rc == 0 && i < path.count; i++) {
        clean(path.segments[i], false);
        assert(strcmp(path.segments[i], ".") != 0 && strcmp(path.segments[i], "..") != 0);
    }
    for (size_t m = 0; rc == 0 && m < ARRAY_LEN(methods); m++) {
        const struct serve_route *r = serve_route_find(serve_routes, methods[m], &path, args, allow);
        assert(r == NULL || (strcmp(r->method, methods[m]) == 0 && strstr(allow, methods[m]) != NULL));
        for (size_t i = 0; i < SERVE_MAX_ARGS && args[i] != NULL; i++)
            assert(*args[i] != '\0');
    }
    serve_path_release(&path);
}

static void try_names(const char *s)
{
    char name[SERVE_HOST_SIZE], port[8], type[100], cookie[SERVE_SECRET_SIZE];

    if (serve_host_split(s, name, port)) {
        assert(*name != '\0' && strlen(port) <= 5);
        for (const char *p = name; *p != '\0'; p++)
            assert(!isupper((unsigned char)*p) &&
                   (isalnum((unsigned char)*p) || strchr("[]:.-_", *p) != NULL));
        char *origin = xasprintf("http://%s", s);
        assert(serve_origin_is(origin, s));
        assert(!serve_origin_is("null", s));
        assert(strcmp(name, "evil.invalid") == 0 || !serve_origin_is("http://evil.invalid", s));
        free(origin);
    } else {
        assert(!serve_origin_is("http://localhost", s));
    }
    serve_content_type(s, type, sizeof type);
    assert(strchr(type, ';') == NULL);
    serve_takes_gzip(s);
    serve_wants_page(s);
    if (serve_cookie(s, "orch", cookie, sizeof cookie))
        assert(strchr(cookie, ';') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    char *s = xstrndup((const char *)data + 1, n - 1); /* a header's value ends at its NUL */

    if (data[0] == 'q' || data[0] == 'f')
        try_fields((const char *)data + 1, n - 1, data[0] == 'f');
    else if (data[0] == 'p')
        try_path((const char *)data + 1, n - 1);
    else
        try_names(s);
    free(s);
    return 0;
}
