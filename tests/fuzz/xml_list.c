#include "base/limits.h"
#include "io/xml.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A page that is taken holds what the rest of the program relies on. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xml_page page;
    struct xml_s3_error e;
    struct err err = {0};
    int rc = xml_list_page((const char *)data, size, &page, &err);

    if (rc < 0 && (err.code != ERR_BAD_RESPONSE || err.msg[0] == '\0'))
        abort();
    for (size_t i = 0; rc == 0 && i < page.count; i++) {
        const struct xml_object *o = &page.objects[i];
        if (o->key[0] == '\0' || strlen(o->key) > MAX_KEY || o->etag[0] == '\0' ||
            strpbrk(o->etag, "\r\n\"") || o->size < 0)
            abort();
    }
    if (rc == 0 && page.truncated && (page.next_token == NULL || *page.next_token == '\0'))
        abort();
    if (rc == 0)
        xml_page_release(&page);
    if (xml_s3_error((const char *)data, size, &e) &&
        (e.code[0] == '\0' || strpbrk(e.message, "\r\n\x1b") != NULL))
        abort();
    return 0;
}
