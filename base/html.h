#ifndef BASE_HTML_H
#define BASE_HTML_H
#include "base/buf.h"
/* Text from outside as HTML's and XML's text, or as a quoted attribute's value: & < > " ' as entities, line ends and tabs as
 * they are, and what str_plain_char does not let through as \xNN. */
NODISCARD int html_add(struct buf *b, const char *s, size_t n, struct err *err);
NODISCARD int html_adds(struct buf *b, const char *s, struct err *err); /* NULL: nothing */
#endif
