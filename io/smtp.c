#include "io/smtp.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/curl_int.h"

struct sending {
    const struct smtp_mail *m;
    size_t at;
    char answer[300]; /* the last line with which the server refused something, or "" */
    struct err stopped;
};

static size_t on_read(char *p, size_t size, size_t n, void *arg)
{
    struct sending *s = arg;
    size_t room = size * n, left = s->m->n - s->at;

    if (left < room)
        room = left;
    memcpy(p, s->m->message + s->at, room);
    s->at += room;
    return room;
}

static size_t on_answer(char *p, size_t size, size_t n, void *arg)
{
    struct sending *s = arg;
    struct str line = str_trim((struct str){p, size * n});

    if (line.n > 0 &&
        (line.p[0] == '4' || line.p[0] == '5')) /* behind it come a RSET and a QUIT, and they are well */
        str_printable(line.p, line.n, s->answer, sizeof s->answer);
    return size * n;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct sending *s = arg;

    UNUSED(a), UNUSED(b), UNUSED(c), UNUSED(d);
    return beat(s->m->beat, &s->stopped) < 0;
}

static void set_options(CURL *e, struct sending *s, struct curl_slist *to)
{
    const struct smtp_mail *m = s->m;

    curl_easy_setopt(e, CURLOPT_URL, m->url);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
#else
    curl_easy_setopt(e, CURLOPT_PROTOCOLS, (long)(CURLPROTO_SMTP | CURLPROTO_SMTPS));
#endif
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, ""); /* http_proxy is not for mail */
    curl_easy_setopt(e, CURLOPT_USE_SSL, m->starttls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)m->connect_timeout_ms);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)m->timeout_ms);
    curl_easy_setopt(e, CURLOPT_MAIL_FROM, m->from);
    curl_easy_setopt(e, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(e, CURLOPT_READDATA, s);
    curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)m->n);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_answer);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, s);
    curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(e, CURLOPT_XFERINFODATA, s);
    if (m->ca_file != NULL)
        curl_easy_setopt(e, CURLOPT_CAINFO, m->ca_file);
    if (m->user != NULL) {
        curl_easy_setopt(e, CURLOPT_USERNAME, m->user);
        curl_easy_setopt(e, CURLOPT_PASSWORD, m->password != NULL ? m->password : "");
    }
}

static int refused(const struct sending *s, CURLcode code, const char *where, const char *detail,
                   struct err *err)
{
    bool said_no = s->answer[0] != '\0';

    if (code == CURLE_ABORTED_BY_CALLBACK && s->stopped.code != ERR_OK) {
        *err = s->stopped;
        return -(int)err->code;
    }
    if (code == CURLE_LOGIN_DENIED) {
        err_set(err, ERR_ACCESS_DENIED, "%s: the login of %s is refused%s%s", where, s->m->user,
                said_no ? ": " : "", said_no ? s->answer : "");
        return err_hint(err, "alerts.mail.user and its password");
    }
    if (code == CURLE_USE_SSL_FAILED) {
        err_set(err, ERR_UNAVAILABLE, "%s: the server offers no STARTTLS", where);
        return err_hint(err, "smtps:// where it speaks TLS from the first byte; alerts.mail.tls off only "
                             "on a network that you trust");
    }
    if (said_no && (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
                    code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_UPLOAD_FAILED))
        return err_set(err, ERR_BAD_RESPONSE, "%s: mail to %s is refused: %s", where, s->m->to, s->answer);
    return curl_failed(where, code, detail, err);
}

int smtp_send(const struct smtp_mail *m, struct err *err)
{
    struct sending s = {.m = m};
    char detail[CURL_ERROR_SIZE] = "";
    char *where = curl_origin(m->url);
    struct curl_slist *to = curl_slist_append(NULL, m->to);
    CURL *e;
    int rc;

    curl_once();
    e = curl_easy_init();
    if (e == NULL || to == NULL)
        abort();
    rc = beat(m->beat, err);
    if (rc < 0)
        goto out;
    set_options(e, &s, to);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, detail);
    CURLcode code = curl_easy_perform(e);
    rc = code == CURLE_OK ? 0 : refused(&s, code, where, detail, err);
out:
    curl_easy_cleanup(e);
    curl_slist_free_all(to);
    free(where);
    return rc;
}
