#include "tests/lib/run.h"
#include "tests/lib/step_fixture.h"

static struct step_fixture f;

TEST(json_in_and_json_out)
{
    sf_begin(&f, "/", NULL, 0);
    must_rc(
        sf_run(&f, "command", "{'argv': ['cat'], 'input': {'a': [1, 2.5, 'x'], 'big': 9223372036854775807}}"),
        &f.err);
    sf_is(&f, "{'a':[1,2.5,'x'],'big':9223372036854775807}");
    must_rc(sf_run(&f, "command", "{'argv': ['true']}"), &f.err);
    sf_is(&f, "null");
    must_rc(sf_run(&f, "command",
                   "{'argv': ['printf', '%s\\\\n'], 'arguments': ['a b', 7, true], 'output': 'text'}"),
            &f.err);
    sf_is(&f, "'a b\\n7\\ntrue'");
    must_rc(sf_run(&f, "command", "{'argv': ['echo', '$HOME; `id`', '*'], 'output': 'text'}"), &f.err);
    sf_is(&f, "'$HOME; `id` *'"); /* no shell */
    must_rc(sf_run(&f, "command", "{'argv': ['echo', 'no json'], 'output': 'none'}"), &f.err);
    sf_is(&f, "null");
    must_rc(sf_run(&f, "command", "{'argv': ['pwd'], 'cwd': 'usr', 'output': 'text'}"), &f.err);
    sf_is(&f, "'/usr'");
    sf_end(&f);
}

TEST(the_environment_is_what_is_allowed_and_the_key)
{
    setenv("AWS_SECRET_ACCESS_KEY", "s3cret", 1);
    sf_begin(&f, "/", NULL, 0);
    must_rc(sf_run(&f, "command", "{'argv': ['env'], 'env': {'LANG': 'de', 'N': 5}, 'output': 'text'}"),
            &f.err);
    sf_is(&f,
          "'PATH=/usr/bin:/bin\\nLANG=de\\nN=5\\nORCH_EXECUTION=run-1\\nORCH_STATE=State\\nORCH_ATTEMPT=2\\n"
          "ORCH_KEY=0123456789abcdef0123456789abcdef\\nORCH_TOKEN=token-1'");
    fails(sf_run(&f, "command", "{'argv': ['env'], 'env': {'ORCH_KEY': 'mine'}}"), &f.err, ERR_CONTRACT);
    fails(sf_run(&f, "command", "{'argv': ['env'], 'env': {'A=B': 'x'}}"), &f.err, ERR_CONTRACT);
    sf_end(&f);
}

TEST(data_chooses_no_program)
{
    sf_begin(&f, "/", NULL, 0);
    fails(sf_run(&f, "command", "{'argv.$': '$.argv'}"), &f.err, ERR_CONTRACT);
    ok(strstr(f.err.msg, "stands in the definition itself") != NULL);
    fails(sf_run(&f, "command", "{'argv': ['env'], 'env.$': '$.env'}"), &f.err, ERR_CONTRACT);
    fails(sf_run(&f, "command", "{'argv': ['env'], 'cwd.$': '$.cwd'}"), &f.err, ERR_CONTRACT);
    fails(sf_run(&f, "command", "{'argv': []}"), &f.err, ERR_CONTRACT);
    fails(sf_run(&f, "command", "{'argv': 'rm -rf x'}"), &f.err, ERR_CONTRACT);
    fails(sf_run(&f, "command", "{'argv': [['ls']]}"), &f.err, ERR_CONTRACT);
    fails(sf_run(&f, "command", "{'arguments': ['ls']}"), &f.err, ERR_CONTRACT);
    fails(sf_run(&f, "command", "{'argv': ['ls'], 'shell': true}"), &f.err, ERR_CONTRACT);
    sf_end(&f);
}

TEST(failures_have_names_and_causes)
{
    sf_begin(&f, "/", NULL, 0);
    fails(sf_run(&f, "command", "{'argv': ['sh', '-c', 'echo first >&2; echo why >&2; exit 3']}"), &f.err,
          ERR_COMMAND);
    is_str(f.ctx.cause, "sh ended with status 3: first\nwhy");
    fails(sf_run(&f, "command", "{'argv': ['sh', '-c', 'exit 75']}"), &f.err, ERR_TRANSIENT);
    is_str(f.ctx.cause, "sh ended with status 75");
    fails(sf_run(&f, "command", "{'argv': ['sh', '-c', 'kill -9 $$']}"), &f.err, ERR_COMMAND);
    is_str(f.ctx.cause, "sh was ended by signal 9");
    ok(sf_run(&f, "command",
              "{'argv': ['sh', '-c', 'cat; exit 1'], 'input': {'Error': 'Invoice.Gone', 'Cause': 'no 7'}}") <
       0);
    is_str(err_asl(&f.err), "Invoice.Gone");
    is_str(f.ctx.cause, "no 7");
    ok(sf_run(&f, "command", "{'argv': ['sh', '-c', 'cat; exit 1'], 'input': {'Error': 'States.Timeout'}}") <
       0);
    is_str(err_asl(&f.err), "Orch.CommandFailed"); /* those names are not its to give */
    fails(sf_run(&f, "command", "{'argv': ['no-such-program']}"), &f.err, ERR_NOT_FOUND);
    sf_end(&f);
}

TEST(what_is_no_json_or_no_text_is_a_failure)
{
    sf_begin(&f, "/", NULL, 0);
    fails(sf_run(&f, "command", "{'argv': ['echo', 'hello']}"), &f.err, ERR_BAD_RESPONSE);
    ok(strstr(f.err.hint, "output") != NULL);
    fails(sf_run(&f, "command", "{'argv': ['printf', '{} {}']}"), &f.err, ERR_BAD_RESPONSE);
    fails(sf_run(&f, "command", "{'argv': ['printf', '99999999999999999999']}"), &f.err,
          ERR_BAD_RESPONSE); /* never rounded */
    fails(sf_run(&f, "command", "{'argv': ['printf', '\\\\377'], 'output': 'text'}"), &f.err,
          ERR_BAD_RESPONSE);
    fails(sf_run(&f, "command", "{'argv': ['printf', 'a\\\\000b'], 'output': 'text'}"), &f.err,
          ERR_BAD_RESPONSE);
    fails(sf_run(&f, "command", "{'argv': ['yes']}"), &f.err, ERR_TOO_LARGE);
    fails(
        sf_run(&f, "command", "{'argv': ['sh', '-c', 'printf \\\\\\\\377\\\\\\\\033[31m >&2; exit 1']}"),
        &f.err, ERR_COMMAND);
    is_str(f.ctx.cause, "sh ended with status 1: \\xff\\x1b[31m");
    sf_end(&f);
}

TEST(its_own_output_may_be_its_heartbeat)
{
    sf_begin(&f, "/", NULL, 0);
    fails(sf_run(&f, "command", "{'argv': ['sleep', '1000'], 'heartbeat': 'output'}"), &f.err, ERR_CONTRACT);
    f.ctx.heartbeat_ms = 1000;
    fails(sf_run(&f, "command", "{'argv': ['sleep', '1000'], 'heartbeat': 'output'}"), &f.err,
          ERR_HEARTBEAT_TIMEOUT);
    sf_end(&f);
}
