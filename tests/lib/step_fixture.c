#include "tests/lib/step_fixture.h"
#include "base/mem.h"

static const char *const environment[] = {"PATH=/usr/bin:/bin", "LANG=C", NULL};

void sf_begin(struct step_fixture *f, const char *folder, const struct step_connection *connections, size_t n)
{
    *f = (struct step_fixture){.world = {folder, connections, n, environment}};
    f->ctx = (struct step_ctx){.world = &f->world,
                               .token = "token-1",
                               .execution_name = "run-1",
                               .state = "State",
                               .attempt = 2,
                               .lease_ms = 90000,
                               .key = "0123456789abcdef0123456789abcdef"};
}

static char *quoted(const char *text)
{
    char *copy = xstrdup(text);

    for (char *p = copy; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    return copy;
}

int sf_run(struct step_fixture *f, const char *step, const char *parameters)
{
    char *resource = xasprintf("arn:aws:states:eu-west-1:1:activity:orch-%s", step),
         *text = quoted(parameters);
    const struct step_type *type = step_by_resource(resource);
    json_error_t where;
    json_t *v = json_loads(text, JSON_ALLOW_NUL, &where);

    must(type != NULL);
    must(v != NULL);
    json_decref(f->result);
    f->result = NULL;
    f->err = (struct err){0};
    int rc = step_check_parameters(type, v, &f->err);
    if (rc == 0)
        rc = type->run(&f->ctx, v, &f->result, &f->err);
    json_decref(v);
    free(text);
    free(resource);
    return rc;
}

void sf_is(struct step_fixture *f, const char *want)
{
    char *got = json_text(f->result), *text = quoted(want);

    is_str(got, text);
    free(got);
    free(text);
}

void sf_end(struct step_fixture *f)
{
    json_decref(f->result);
    free(f->ctx.cause);
}
