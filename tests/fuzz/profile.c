#include "io/profile.h"
#include "orchestrator/profile.h"
#include <stdlib.h>

/* Any bytes as cells, read by a table of three columns, and the page that is made of them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const nulls[] = {"NA", "", NULL};
    const struct profile_config config = {nulls, NULL};
    struct str names[3] = {{(const char *)data, size < 5 ? size : 5}, str_of("b"), str_of("<c>")};
    struct profile *p = profile_new(&config, names, 3);
    struct csv_field row[3];
    const char *at = (const char *)data, *end = at + size;
    struct buf page = BUF_INIT(16u << 20);
    struct err err;

    profile_next_file(p);
    for (int64_t line = 1; at < end; line++) {
        for (size_t k = 0; k < 3; k++) {
            const char *stop = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;
            stop = stop != NULL ? stop : end;
            row[k] = (struct csv_field){at, (uint32_t)(stop - at), line % 5 == 0};
            at = stop < end ? stop + 1 : end;
        }
        profile_row(p, row, line);
    }
    profile_end(p);
    json_t *report = profile_json(p, &(struct profile_subject){.name = "x", .kind = "file", .place = "line"});
    if (profile_html(report, &page, &err) < 0 || strstr(page.p, "<c>") != NULL)
        abort();
    buf_release(&page);
    json_decref(report);
    profile_free(p);
    return 0;
}
