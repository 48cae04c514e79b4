#include "io/format_int.h"

int format_avro_new(const struct format_config *c, const struct table *def, const int *columns, size_t count,
                    struct format **ret, struct err *err)
{
    UNUSED(c);
    UNUSED(def);
    UNUSED(columns);
    UNUSED(count);
    *ret = NULL;
    return err_set(err, ERR_CONFIG, "this orch was built without Avro");
}
