#include "base/limits.h"
#include "io/xml.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What goes into queries and headers of later requests. */
static void check_token(const char *s)
{
    if (*s == '\0')
        abort();
    for (; *s != '\0'; s++)
        if (*s <= ' ' || *s > '~' || *s == '"')
            abort();
}

static void check_rc(int rc, const struct err *err)
{
    if (rc < 0 && (err->code != ERR_BAD_RESPONSE || err->msg[0] == '\0'))
        abort();
}

/* The answers to uploads in pieces: what is taken holds what the rest of the program relies on. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data;
    struct xml_uploads page;
    struct err err = {0};
    char *text = NULL;
    int rc = xml_upload_id(p, size, &text, &err);

    check_rc(rc, &err);
    if (rc == 0)
        check_token(text);
    free(text);
    text = NULL;
    rc = xml_completed(p, size, &text, &err);
    check_rc(rc, &err);
    if (rc == 0)
        check_token(text);
    free(text);
    rc = xml_uploads(p, size, &page, &err);
    check_rc(rc, &err);
    if (rc < 0) {
        if (page.uploads != NULL || page.next_key != NULL || page.arena != NULL)
            abort();
        return 0;
    }
    for (size_t i = 0; i < page.count; i++) {
        if (page.uploads[i].key[0] == '\0' || strlen(page.uploads[i].key) > MAX_KEY)
            abort();
        check_token(page.uploads[i].id);
    }
    if (page.truncated && (page.next_key == NULL || *page.next_key == '\0'))
        abort();
    if (page.truncated && page.next_id != NULL)
        check_token(page.next_id);
    xml_uploads_release(&page);
    return 0;
}
