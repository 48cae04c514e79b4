/*
 * A browser gives the token once and has a cookie from then on, which is none of it. Over a TLS proxy (X-Forwarded-Proto:
 * https) the cookie is called __Host-orch and Secure, so that nothing of a neighbouring name or of plain http can set it.
 * Over plain http, which is loopback, no browser would keep such a one, and it is called orch.
 */
#include "base/mem.h"
#include "orchestrator/serve_int.h"

int serve_login_page(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    if (q->serve->o->token == NULL || serve_call_session(q) != NULL) {
        a->status = 303;
        a->location = xstrdup("/");
        return 0;
    }
    a->type = "text/html; charset=utf-8";
    return buf_adds(
        &a->body,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\"><link "
        "rel=\"stylesheet\" "
        "href=\"/style.css\"><link rel=\"icon\" href=\"/icon.svg\"><title>orch: log "
        "in</title>"
        "</head>\n<body><main><h1>orch</h1>\n<form method=\"post\" action=\"/login\"><p><label>Token "
        "<input type=\"password\" name=\"token\" autocomplete=\"current-password\" required></label> "
        "<button>Log in</button></p></form>\n<p>The token is in the file that <code>orch serve "
        "--token-file</code> "
        "names.</p></main></body></html>\n",
        err);
}

static void cookie(const struct serve_request *q, struct serve_answer *a, const char *value, const char *age)
{
    bool secure = serve_call_secure(q);

    a->cookie = xasprintf("%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s", secure ? "__Host-orch" : "orch",
                          value, secure ? "; Secure" : "", age);
}

int serve_login(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    const char *given = serve_form(q, "token"), *token = q->serve->o->token;
    char secret[SERVE_SECRET_SIZE];

    UNUSED(err);
    if (token != NULL && (given == NULL || !serve_same_secret(given, token))) {
        serve_problem(a, 403, err_name(ERR_ACCESS_DENIED), "this is not the token", NULL, NULL);
        return 0;
    }
    a->status = 303;
    a->location = xstrdup("/");
    if (token == NULL)
        return 0;
    if (serve_call_session(q) != NULL)
        serve_session_end(q->serve->sessions, serve_call_session(q));
    serve_session_begin(q->serve->sessions, q->now_ms, secret);
    cookie(q, a, secret, "");
    explicit_bzero(secret, sizeof secret);
    return 0;
}

int serve_logout(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    UNUSED(err);
    if (serve_call_session(q) != NULL)
        serve_session_end(q->serve->sessions, serve_call_session(q));
    cookie(q, a, "", "; Max-Age=0");
    a->status = 303;
    a->location = xstrdup(q->serve->o->token != NULL ? "/login" : "/");
    return 0;
}
