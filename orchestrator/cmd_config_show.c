#include "base/mem.h"
#include "orchestrator/cmd.h"
#include "orchestrator/config_show.h"
#include "orchestrator/view.h"

static bool with_origin;
static const struct opt opts[] = {
    {"origin", 0, OPT_FLAG, &with_origin, NULL, "say of each key where its value comes from"},
    {0},
};

static bool is_under(const char *key, const char *wanted)
{
    size_t n = strlen(wanted);

    return strncmp(key, wanted, n) == 0 && (key[n] == '\0' || key[n] == '.');
}

/* As it would stand in orch.json, to be pasted there. */
static void as_text(json_t *row)
{
    json_t *value = json_object_get(row, "value");
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    if (text != NULL)
        json_object_set_new(row, "value", json_string(text));
    free(text);
}

static int run(struct cli *c, struct err *err)
{
    const struct out_column columns[] = {{"key", "KEY", false, false},
                                         {"value", "VALUE", false, false},
                                         {with_origin ? "origin" : NULL, "ORIGIN", false, false},
                                         {0}};
    const char *wanted = c->args.count > 0 ? c->args.items[0] : NULL;
    int rc = cli_config(c, err);

    if (rc < 0)
        return rc;
    json_t *rows = config_effective(c->config);
    for (size_t i = json_array_size(rows); i-- > 0;) {
        json_t *row = json_array_get(rows, i);
        if (wanted != NULL && !is_under(view_str(row, "key"), wanted))
            json_array_remove(rows, i);
        else if (c->out.format == OUT_TABLE || c->out.format == OUT_CSV)
            as_text(row);
    }
    if (json_array_size(rows) == 0)
        rc = err_set(err, ERR_USAGE, "no key '%.100s'; orch config show lists all",
                     wanted != NULL ? wanted : "");
    else
        out_rows(&c->out, "keys", columns, rows);
    json_decref(rows);
    return rc;
}

const struct command cmd_config_show = {
    "config show",
    "[KEY]",
    "The whole config as it holds, defaults filled in.",
    "Secrets are not shown, only where they come from. KEY: it alone, or all below it.\n\n"
    "  orch config show\n"
    "  orch config show pipelines.loans --origin      default, the file, or an environment variable\n",
    opts,
    0,
    1,
    run,
};
