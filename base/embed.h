#ifndef BASE_EMBED_H
#define BASE_EMBED_H
#include <stddef.h>
/* One embedded text; tables of them end with name == NULL. text[len] is NUL. */
struct embed {
    const char *name, *text;
    size_t len;
};
#endif
