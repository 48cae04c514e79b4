#include "orchestrator/api.h"
#include "base/limits.h"
#include "base/mem.h"

struct cli api_cli(const struct serve_request *q, struct store *s)
{
    return (struct cli){.verb = "serve",
                        .config = (struct config *)(uintptr_t)q->config,
                        .store = s,
                        .out = {.format = OUT_JSONL}};
}

int api_open(struct api *x, const struct serve_request *q, struct err *err)
{
    struct store *s = NULL;
    int rc = api_open_alone(x, q, err);

    if (rc == 0)
        rc = serve_store_take(q->serve, &s, err);
    if (rc < 0)
        return rc;
    x->taken = s;
    x->cli.store = s;
    return 0;
}

int api_open_alone(struct api *x, const struct serve_request *q, struct err *err)
{
    *x = (struct api){.q = q};
    int rc = serve_query_int(q, "limit", 1, MAX_API_ROWS, API_ROWS, &x->limit, err);
    if (rc < 0)
        return rc;
    x->cli = api_cli(q, NULL);
    x->cli.out.to = open_memstream(&x->text, &x->n);
    if (x->cli.out.to == NULL)
        return err_errno(err, errno, "memory for an answer");
    jout_init(&x->j, &x->cli.out);
    jout_open(&x->j, NULL, '{');
    return 0;
}

int api_close(struct api *x, struct serve_answer *a, int rc, struct err *err)
{
    if (x->taken != NULL)
        serve_store_give(x->q->serve, x->taken);
    if (x->cli.out.to != NULL) {
        if (rc >= 0)
            jout_close(&x->j, '}');
        if (fclose(x->cli.out.to) != 0 && rc >= 0)
            rc = err_errno(err, errno, "memory for an answer");
    }
    if (rc >= 0) {
        buf_release(&a->body);
        a->body.p = x->text;
        a->body.n = x->n;
        a->body.cap = x->n + 1; /* a stream in memory ends with a NUL */
    } else {
        free(x->text);
    }
    x->text = NULL;
    return rc < 0 ? rc : 0;
}

bool api_is_full(struct api *x)
{
    return ftello(x->cli.out.to) > (off_t)MAX_API_PAGE;
}

void api_next_int(struct api *x, int64_t after)
{
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)after);
    jout_text(&x->j, "next", text);
}

void api_next_text(struct api *x, const char *after)
{
    jout_text(&x->j, "next", after);
}

const struct pipeline *api_configured(const struct config *c, const char *name)
{
    const struct pipeline *p = NULL;
    struct err none;

    return config_flow(c, name, &p, &none) == 0 ? p : NULL;
}

int api_flow(const struct serve_request *q, const char *name, bool either, const struct pipeline **ret,
             struct err *err)
{
    *ret = NULL;
    if (name == NULL)
        return 0;
    return either ? config_flow(q->config, name, ret, err) : config_pipeline(q->config, name, ret, err);
}

int api_word(const struct serve_request *q, const char *name, const char *const known[], const char **ret,
             struct err *err)
{
    char listed[300] = "", shown[80];
    size_t at = 0;

    *ret = serve_query(q, name);
    if (*ret == NULL)
        return 0;
    for (int i = 0; known[i] != NULL; i++) {
        if (strcmp(known[i], *ret) == 0)
            return 0;
        at += (size_t)snprintf(listed + at, sizeof listed - at, "%s%s", at > 0 ? ", " : "", known[i]);
    }
    str_printable(*ret, strlen(*ret), shown, sizeof shown);
    return err_set(err, ERR_USAGE, "%s '%s' is none of: %s", name, shown, listed);
}

int api_part(const struct pipeline *p, const char *what, const char *text, char ret[PART_SIZE],
             struct err *err)
{
    int64_t start;

    ret[0] = '\0';
    if (text == NULL)
        return 0;
    if (part_parse(p->period, text, &start, err) < 0) {
        err->code = ERR_USAGE;
        return err_prefix(err, "%s", what);
    }
    part_name(p->period, start, ret);
    return 0;
}
