#include "base/fs.h"
#include "base/mem.h"
#include "orchestrator/cmd.h"
#include "orchestrator/serve.h"

static const char *listen_at, *token_file;
static bool allow_write;
static const struct opt opts[] = {
    {"listen", 0, OPT_TEXT, &listen_at, "ADDRESS",
     "127.0.0.1:8086, [::1]:8086 or unix:/path (default serve.listen)"},
    {"token-file", 0, OPT_TEXT, &token_file, "FILE", "of mode 0600, with the token that clients send"},
    {"allow-write", 0, OPT_FLAG, &allow_write, NULL, "take rows and requests too; without it, only read"},
    {0},
};

enum { MIN_TOKEN = 32, MAX_TOKEN = 512, MIN_KINDS = 8 };

/* A token that a person made up can be guessed. */
static int check_token(const char *file, const char *token, struct err *err)
{
    bool seen[256] = {false}, fits = true;
    size_t n = strlen(token), kinds = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)token[i];
        kinds += !seen[c];
        seen[c] = true;
        fits = fits && c > ' ' && c < 0x7f;
    }
    if (fits && n >= MIN_TOKEN && n <= MAX_TOKEN && kinds >= MIN_KINDS)
        return 0;
    err_set(err, ERR_CONFIG,
            "%s: a token has %d to %d printable ASCII characters without blanks, drawn at random", file,
            MIN_TOKEN, MAX_TOKEN);
    return err_hint(err, "orch init makes serve.token; or: (umask 077; openssl rand -hex 32 > %s)", file);
}

static int run(struct cli *c, struct err *err)
{
    struct serve_options o = {.allow_write = allow_write};
    char *token = NULL;
    int rc = cli_config(c, err);

    if (rc < 0)
        return rc;
    const char *file = token_file != NULL ? token_file : c->config->serve.token_file;
    if (file != NULL) {
        rc = fs_read_secret(file, &token, err);
        if (rc == 0)
            rc = check_token(file, token, err);
        else if (err->code != ERR_CONFIG)
            err->code = ERR_CONFIG, rc = -(int)ERR_CONFIG;
    }
    c->config->served = true;
    o.token = token;
    o.listen = listen_at != NULL ? listen_at : c->config->serve.listen;
    cli_signals();
    if (rc == 0)
        rc = serve_run(c->config, &o, err);
    if (token != NULL)
        explicit_bzero(token, strlen(token));
    free(token);
    return rc;
}

const struct command cmd_serve = {
    "serve",
    "",
    "Answers over HTTP: what the state file says, figures for Prometheus, rows into tables of the "
    "dictionary.",
    "Listens on loopback, or on a UNIX socket, and only reads, unless told otherwise. It loads nothing: what "
    "needs a "
    "run is\n"
    "put down for the next tick. Any other address needs a token, and a proxy in front that speaks TLS. "
    "SIGTERM ends "
    "it after\n"
    "the requests that are under way. docs/serve.md tells what it answers to, and how it is kept safe.\n\n"
    "  orch serve\n"
    "  orch serve --allow-write --token-file /etc/orch/serve.token\n"
    "  orch serve --listen unix:/run/orch/serve.sock\n",
    opts,
    0,
    0,
    run,
};
