/* What STS, container agents and the shared profile files may hold. */
#include "base/mem.h"
#include "io/creds_int.h"
#include "io/xml.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct creds c = {0};
    struct xml_credentials x;
    struct xml_s3_error e;
    struct err err;

    if (creds_read_json(text, size, "fuzz", true, &c, &err) > 0 &&
        (c.access_key == NULL || c.secret_key == NULL))
        __builtin_trap();
    creds_release(&c);
    if (xml_sts_credentials(text, size, &x, &err) == 0 &&
        (x.session_token == NULL || *x.session_token == '\0'))
        __builtin_trap();
    xml_credentials_release(&x);
    if (xml_sts_error(text, size, &e) && e.code[0] == '\0')
        __builtin_trap();
    for (int config = 0; config < 2; config++) {
        struct profile p = {.name = "w"};
        profile_parse(text, size, config == 1, &p);
        if (profile_take(&p, &c, &err) == 1 && (c.access_key == NULL || c.secret_key == NULL))
            __builtin_trap();
        creds_release(&c);
        profile_release(&p);
    }
    char *url = xstrndup(text, size);
    err_ignore(creds_check_url("fuzz", url, true, &err));
    free(url);
    return 0;
}
