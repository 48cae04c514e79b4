/* What orch doctor tries of the data dictionary: each table as it is, its rules against it, and what they refer to. */
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_intake.h"
#include "orchestrator/doctor.h"

static bool check_rules(struct doctor *d, const struct dict_table *k, const struct table *def,
                        const char *what)
{
    struct err err;
    bool good = true;

    for (size_t i = 0; i < k->rule_count; i++)
        if (dictionary_prove(k, def, i, &err) < 0) {
            doctor_fail(d, what, &err);
            good = false;
        }
    for (size_t i = 0; k->order != NULL && k->order[i] != NULL; i++)
        if (table_find(def, str_of(k->order[i])) < 0) {
            err_set(&err, ERR_CONFIG, "order: table %s has no column '%.100s'", def->name, k->order[i]);
            doctor_fail(d, what, &err);
            good = false;
        }
    return good;
}

static bool check_references(struct doctor *d, struct target *t, const struct dict_table *k, const char *what)
{
    struct err err;
    bool good = true;

    for (size_t i = 0; i < k->rule_count; i++) {
        const char *text = k->rules[i].references, *dot = text != NULL ? strrchr(text, '.') : NULL;
        struct table *def = NULL;
        if (dot == NULL)
            continue;
        char *name = xstrndup(text, (size_t)(dot - text));
        int rc = target_describe(t, name, &def, &err);
        if (rc == 0 && table_find(def, str_of(dot + 1)) < 0)
            rc = err_set(&err, ERR_CONFIG, "table %s has no column '%.100s'", name, dot + 1);
        if (rc < 0) {
            err_ignore(err_prefix(&err, "%s references %s", k->rules[i].column, text));
            doctor_fail(d, what, &err);
            good = false;
        }
        table_free(def);
        free(name);
    }
    return good;
}

void doctor_table(struct doctor *d, const struct dict_table *k)
{
    struct target_config config = k->target;
    char *what = xasprintf("%s table", k->name);
    struct target *t = NULL;
    struct table *def = NULL;
    struct err err;
    int rc = target_open(&config, &t, &err);

    if (rc == 0)
        rc = target_describe(t, k->table, &def, &err);
    if (rc == 0)
        rc = target_check(def, &err);
    if (rc < 0 || def == NULL) {
        doctor_fail(d, what, &err);
        goto out;
    }
    bool good = check_rules(d, k, def, what);
    good = check_references(d, t, k, what) && good;
    rc = target_has_intake(t, &err);
    if (rc < 0)
        doctor_fail(d, what, &err);
    if (rc == 0) {
        doctor_say(d, what, DOCTOR_FAIL, "orch target setup",
                   "orch_intake and orch_intake_reject are not there");
        d->exit = d->exit == 0 ? 1 : d->exit;
    }
    if (rc > 0 && good)
        doctor_say(d, what, DOCTOR_OK, NULL, "%s of %s: %zu columns%s, %zu rules", k->table, target_name(t),
                   def->count, k->all_required ? ", all required" : "", k->rule_count);
    doctor_needs_table(d, t, k);
out:
    table_free(def);
    target_close(t);
    free(what);
}
