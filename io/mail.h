#ifndef IO_MAIL_H
#define IO_MAIL_H
#include "base/buf.h"
#include <stdint.h>
/* Internet messages (RFC 5322): text/plain in UTF-8, quoted-printable, so that any bytes survive any server. Pure. */
enum { MAIL_ADDRESS_SIZE = 255 };
/* A plain address: one '@', ASCII without blanks, quotes, brackets, commas. Nothing that could begin another header. */
bool mail_address_fits(const char *address);
struct mail {
    const char *from, *to;      /* addresses that fit */
    const char *subject;        /* ASCII; what is not printable becomes '?' */
    const char *id;             /* "abc": Message-ID <abc@domain of from> */
    const char *const *threads; /* ids of the threads that it belongs to; NULL-ended */
    int64_t at_ms;
    const char *body; /* UTF-8, LF line ends */
};
NODISCARD int mail_compose(const struct mail *m, struct buf *ret, struct err *err);
#endif
