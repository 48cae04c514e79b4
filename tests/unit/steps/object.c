#include "base/mem.h"
#include "tests/lib/run.h"
#include "tests/lib/step_fixture.h"

static struct step_fixture f;
static struct step_connection lake;
static char *dir;

static void begin(void)
{
    dir = tmp_dir();
    lake = (struct step_connection){
        .name = "lake", .kind = REACH_FILES, .source = {.url = xasprintf("file://%s/", dir)}};
    sf_begin(&f, dir, &lake, 1);
}

static void end(void)
{
    sf_end(&f);
    free((char *)(uintptr_t)lake.source.url);
    free(dir);
}

TEST(put_list_get_remove)
{
    begin();
    must_rc(sf_run(&f, "object-put", "{'connection': 'lake', 'key': 'q/b', 'body': 'two'}"), &f.err);
    sf_is(&f, "{'key':'q/b','written':true,'same':true}");
    must_rc(sf_run(&f, "object-put", "{'connection': 'lake', 'key': 'q/a', 'body': {'n': 1}}"), &f.err);
    must_rc(sf_run(&f, "object-list", "{'connection': 'lake', 'prefix': 'q/', 'limit': 1}"), &f.err);
    is_int(json_integer_value(json_object_get(f.result, "count")), 2);
    const json_t *first = json_array_get(json_object_get(f.result, "objects"), 0);
    is_str(json_string_value(json_object_get(first, "name")), "a"); /* in order of the key */
    is_int(json_array_size(json_object_get(f.result, "objects")), 1);
    must_rc(sf_run(&f, "object-get", "{'connection': 'lake', 'key': 'q/a', 'output': 'json'}"), &f.err);
    sf_is(&f, "{'key':'q/a','there':true,'body':{'n':1}}");
    must_rc(sf_run(&f, "object-get", "{'connection': 'lake', 'key': 'q/c'}"), &f.err);
    sf_is(&f, "{'key':'q/c','there':false,'body':null}");
    must_rc(sf_run(&f, "object-remove", "{'connection': 'lake', 'key': 'q/a'}"), &f.err);
    must_rc(sf_run(&f, "object-remove", "{'connection': 'lake', 'key': 'q/a'}"), &f.err); /* twice is fine */
    must_rc(sf_run(&f, "object-list", "{'connection': 'lake'}"), &f.err);
    is_int(json_integer_value(json_object_get(f.result, "count")), 1);
    end();
}

TEST(only_one_gets_a_sign_and_knows_it_again)
{
    begin();
    must_rc(
        sf_run(&f, "object-put", "{'connection': 'lake', 'key': 'now', 'body': 'run-1', 'onlyNew': true}"),
        &f.err);
    sf_is(&f, "{'key':'now','written':true,'same':true}");
    must_rc(
        sf_run(&f, "object-put", "{'connection': 'lake', 'key': 'now', 'body': 'run-2', 'onlyNew': true}"),
        &f.err);
    sf_is(&f, "{'key':'now','written':false,'same':false}");
    must_rc(
        sf_run(&f, "object-put", "{'connection': 'lake', 'key': 'now', 'body': 'run-1', 'onlyNew': true}"),
        &f.err);
    sf_is(&f, "{'key':'now','written':false,'same':true}"); /* an attempt whose answer was lost */
    end();
}

TEST(nothing_outside_the_connection)
{
    begin();
    ok(sf_run(&f, "object-put", "{'connection': 'lake', 'key': '../x', 'body': 'x'}") < 0);
    ok(sf_run(&f, "object-get", "{'connection': 'lake', 'key': '../../etc/passwd'}") < 0);
    ok(sf_run(&f, "object-remove", "{'connection': 'lake', 'key': 'a/../../x'}") < 0);
    fails(sf_run(&f, "object-get", "{'connection.$': '$.c', 'key': 'x'}"), &f.err, ERR_CONTRACT);
    fails(sf_run(&f, "sql", "{'connection': 'lake', 'sql': 'SELECT 1'}"), &f.err, ERR_CONTRACT);
    end();
}
