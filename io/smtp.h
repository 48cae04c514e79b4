#ifndef IO_SMTP_H
#define IO_SMTP_H
#include "base/beat.h"
/*
 * One mail to one recipient. TLS from the first byte for smtps://, by STARTTLS where starttls (a server that has none is
 * refused), and always verified. Returns once the server has taken the message.
 */
struct smtp_mail {
    const char *url; /* smtp://host:port or smtps://host:port */
    bool starttls;
    const char *user, *password; /* NULL: no login */
    const char *ca_file;         /* NULL: the system's */
    const char *from, *to;       /* addresses; mail_address_fits */
    const char *message;         /* headers and body, CRLF line ends */
    size_t n;
    int connect_timeout_ms, timeout_ms; /* of the connection, of everything */
    const struct beat *beat;            /* may be NULL */
};
/* A server that refuses the message or the recipient is ERR_BAD_RESPONSE with its words, one that refuses the login
 * ERR_ACCESS_DENIED; connection and TLS faults as in http.h. */
NODISCARD int smtp_send(const struct smtp_mail *m, struct err *err);
#endif
