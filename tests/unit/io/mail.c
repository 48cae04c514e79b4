#include "io/mail.h"
#include "base/limits.h"
#include "tests/tap.h"

static struct err err;

static char *composed(const char *subject, const char *body, const char *const *threads)
{
    struct buf b = BUF_INIT(MIB);
    const struct mail m = {.from = "orch@example.org",
                           .to = "ana@example.org",
                           .subject = subject,
                           .id = "one",
                           .threads = threads,
                           .at_ms = 1654430400000,
                           .body = body};

    must_rc(mail_compose(&m, &b, &err), &err);
    return buf_take(&b);
}

static void has(const char *text, const char *part)
{
    if (!ok(strstr(text, part) != NULL))
        diag("lacks %s:\n%s", part, text);
}

TEST(an_address_is_one_that_no_line_can_hide_in)
{
    static const char *const good[] = {"a@b", "ana.b+orch@mail.example.org", "o'hara@x.org"};
    static const char *const bad[] = {"",      "ana",       "@b",         "a@",      "a@b@c", "a b@c",
                                      "<a@b>", "a@b\r\nX:", "a@b,c@d",    "\"a\"@b", "a@b\n", "a@b\t",
                                      "a@[1]", "a@b\x7f",   "\xc3\xa9@b", "a;b@c",   "a@b:25"};

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ok(mail_address_fits(good[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!ok(!mail_address_fits(bad[i])))
            diag("%s", bad[i]);
}

TEST(a_message_has_its_headers_and_one_end_of_them)
{
    const char *const threads[] = {"t1", "t2", NULL};
    char *text = composed("[orch] loans LATE", "one\ntwo\n", threads);

    has(text, "From: orch <orch@example.org>\r\nTo: ana@example.org\r\nSubject: [orch] loans LATE\r\n");
    has(text, "Date: Sun, 05 Jun 2022 12:00:00 +0000\r\n");
    has(text,
        "Message-ID: <one@example.org>\r\nIn-Reply-To: <t1@example.org>\r\nReferences: <t1@example.org>\r\n "
        "<t2@example.org>\r\n");
    has(text, "\r\n\r\none\r\ntwo\r\n");
    free(text);
}

TEST(a_subject_is_one_line_whatever_is_in_it)
{
    char *text = composed("x\r\nBcc: y@z\r\n\r\nbody \xc3\xa9", "", NULL);

    has(text, "Subject: x??Bcc: y@z????body ??\r\n");
    ok(strstr(text, "\nBcc") == NULL);
    free(text);
}

TEST(any_bytes_survive_as_quoted_printable)
{
    char *text = composed("s", "a=b \n.\nFrom here\n\xc3\xa9 caf\xc3\xa9\ttab \x01", NULL);

    has(text, "\r\na=3Db=20\r\n=2E\r\n=46rom here\r\n=C3=A9 caf=C3=A9=09tab =01\r\n");
    free(text);
    char body[2001];
    memset(body, 'x', 2000);
    body[2000] = '\0';
    text = composed("s", body, NULL);
    size_t longest = 0;
    for (const char *p = text, *end; (end = strstr(p, "\r\n")) != NULL; p = end + 2)
        longest = (size_t)(end - p) > longest ? (size_t)(end - p) : longest;
    is_int((int64_t)longest, 76);
    free(text);
}
