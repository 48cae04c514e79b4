#include "io/mail.h"
#include "base/civil.h"

enum { QP_LINE = 76 };

bool mail_address_fits(const char *address)
{
    const char *at = strchr(address, '@');

    if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
        strlen(address) >= MAIL_ADDRESS_SIZE)
        return false;
    for (const char *p = address; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || strchr("\"(),:;<>[]\\", *p) != NULL)
            return false;
    return true;
}

static int add_clean(struct buf *b, const char *text, struct err *err)
{
    int rc = 0;

    for (const char *p = text; rc == 0 && *p != '\0'; p++)
        rc = buf_add(b, (unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f ? "?" : p, 1, err);
    return rc;
}

static int add_date(struct buf *b, int64_t ms, struct err *err)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const struct civil c = civil_from_ms(ms);
    int day = civil_weekday(civil_days(c.year, c.month, c.day));

    return buf_addf(b, err, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d +0000\r\n", days + 3 * day, c.day,
                    months + 3 * (c.month - 1), c.year, c.hour, c.minute, c.second);
}

static int add_threads(struct buf *b, const struct mail *m, const char *domain, struct err *err)
{
    int rc = 0;

    if (m->threads == NULL || m->threads[0] == NULL)
        return 0;
    rc = buf_addf(b, err, "In-Reply-To: <%s@%s>\r\nReferences:", m->threads[0], domain);
    for (size_t i = 0; rc == 0 && m->threads[i] != NULL; i++)
        rc = buf_addf(b, err, "%s <%s@%s>", i > 0 ? "\r\n" : "", m->threads[i], domain);
    return rc == 0 ? buf_adds(b, "\r\n", err) : rc;
}

/* RFC 2045 6.7: printable ASCII as it is, the rest as =XX; lines of at most 76 with "=" where they go on. */
static int add_quoted_printable(struct buf *b, const char *text, struct err *err)
{
    size_t at = 0;
    int rc = 0;

    for (const char *p = text; rc == 0 && *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        bool last = p[1] == '\n' || p[1] == '\0';
        if (c == '\n') {
            rc = buf_adds(b, "\r\n", err);
            at = 0;
            continue;
        }
        bool plain = (c > ' ' && c < 0x7f && c != '=') || (c == ' ' && !last);
        /* What some servers on the way take for their own: a line "From ", or a dot at its beginning. */
        if (at == 0 && (c == '.' || c == 'F'))
            plain = false;
        size_t width = plain ? 1 : 3;
        if (at + width > QP_LINE - 1) {
            rc = buf_adds(b, "=\r\n", err);
            at = 0;
        }
        if (rc == 0)
            rc = plain ? buf_add(b, p, 1, err) : buf_addf(b, err, "=%02X", c);
        at += width;
    }
    return rc == 0 ? buf_adds(b, "\r\n", err) : rc;
}

int mail_compose(const struct mail *m, struct buf *ret, struct err *err)
{
    const char *domain = strchr(m->from, '@');
    int rc;

    if (!mail_address_fits(m->from) || !mail_address_fits(m->to))
        return err_set(err, ERR_CONFIG, "'%s' or '%s' is no mail address", m->from, m->to);
    domain++;
    rc = buf_addf(ret, err, "From: orch <%s>\r\nTo: %s\r\nSubject: ", m->from, m->to);
    if (rc == 0)
        rc = add_clean(ret, m->subject, err);
    if (rc == 0)
        rc = buf_adds(ret, "\r\n", err);
    if (rc == 0)
        rc = add_date(ret, m->at_ms, err);
    if (rc == 0)
        rc = buf_addf(ret, err, "Message-ID: <%s@%s>\r\n", m->id, domain);
    if (rc == 0)
        rc = add_threads(ret, m, domain, err);
    if (rc == 0)
        rc = buf_adds(ret,
                      "Auto-Submitted: auto-generated\r\n"
                      "MIME-Version: 1.0\r\n"
                      "Content-Type: text/plain; charset=utf-8\r\n"
                      "Content-Transfer-Encoding: quoted-printable\r\n"
                      "\r\n",
                      err);
    return rc == 0 ? add_quoted_printable(ret, m->body, err) : rc;
}
