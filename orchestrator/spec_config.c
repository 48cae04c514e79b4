#include "orchestrator/spec_int.h"
#include <strings.h>

/* config.json of SQL Periodic Data Extraction: where the database is, and how large a file may be. */

enum config_field { HOST, USER, PASSWORD, PORT, DATABASE, BATCH, BUCKET, FIELDS };
static const struct {
    enum config_field field;
    const char *name;
} config_names[] = {
    {HOST, "host"},
    {HOST, "hostname"},
    {HOST, "server"},
    {HOST, "mysql_host"},
    {HOST, "db_host"},
    {USER, "user"},
    {USER, "username"},
    {USER, "mysql_user"},
    {USER, "mysql_username"},
    {USER, "db_user"},
    {PASSWORD, "password"},
    {PASSWORD, "passwd"},
    {PASSWORD, "pass"},
    {PASSWORD, "pwd"},
    {PASSWORD, "mysql_password"},
    {PASSWORD, "db_password"},
    {PORT, "port"},
    {PORT, "mysql_port"},
    {PORT, "db_port"},
    {DATABASE, "db"},
    {DATABASE, "database"},
    {DATABASE, "schema"},
    {DATABASE, "db_name"},
    {DATABASE, "dbname"},
    {DATABASE, "mysql_db"},
    {DATABASE, "mysql_database"},
    {BATCH, "batch"},
    {BATCH, "batch_threshold"},
    {BATCH, "batch_size"},
    {BATCH, "batch_threshold_mb"},
    {BATCH, "batch_mb"},
    {BUCKET, "bucket"},
    {BUCKET, "s3_bucket"},
    {BUCKET, "bucket_name"},
};
struct config_read {
    const json_t *at[FIELDS];
    char where[FIELDS][200];
};

static int config_field(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(config_names); i++)
        if (strcasecmp(config_names[i].name, key) == 0)
            return (int)config_names[i].field;
    return -1;
}

/* Members at any depth: {"databases": {"mysql": {"host": ...}}} is what that system's own file looks like. */
static void read_config(struct spec_reading *r, const char *where, const json_t *o, int deep,
                        struct config_read *ret)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)o, key, v) {
        int field = config_field(key);
        char here[200];
        snprintf(here, sizeof here, "%.100s.%.60s", where, key);
        if (json_is_object(v) && deep < 8)
            read_config(r, here, v, deep + 1, ret);
        else if (field >= 0 && ret->at[field] == NULL && !json_is_null(v)) {
            ret->at[field] = v;
            snprintf(ret->where[field], sizeof ret->where[field], "%s", here);
        } else if (field >= 0 && !json_is_null(v) && !json_equal(v, ret->at[field])) {
            spec_error(r, here, "a config.json with one server", "%s says something else", ret->where[field]);
        } else if (field < 0) {
            spec_note(r, here,
                      "not read: the server, the bucket and the batch size are; S3's keys come from the "
                      "environment or ~/.aws");
        }
    }
}

static const char *config_text_of(struct spec_reading *r, const struct config_read *c, enum config_field f)
{
    if (c->at[f] != NULL && !json_is_string(c->at[f]))
        spec_error(r, c->where[f], NULL, "%s where a text is expected", json_kind(c->at[f]));
    return json_string_value(c->at[f]);
}

static int64_t config_count(struct spec_reading *r, const struct config_read *c, enum config_field f,
                            int64_t most)
{
    json_t *o = json_object();

    json_object_set(o, "value", (json_t *)(uintptr_t)c->at[f]);
    int64_t n = c->at[f] != NULL ? spec_get_count(r, c->where[f], o, "value", most) : 0;
    json_decref(o);
    return n;
}

void spec_pde_config(struct spec_reading *r, const json_t *config)
{
    struct config_read c = {0};

    read_config(r, "config.json", config, 0, &c);
    const struct spec_server server = {.host = config_text_of(r, &c, HOST),
                                       .user = config_text_of(r, &c, USER),
                                       .password = config_text_of(r, &c, PASSWORD),
                                       .database = config_text_of(r, &c, DATABASE),
                                       .port = config_count(r, &c, PORT, 65535)};
    const char *bucket = config_text_of(r, &c, BUCKET);
    int64_t mb = config_count(r, &c, BATCH, 1000000);

    spec_database(r, &server);
    spec_bucket(r, bucket != NULL ? c.where[BUCKET] : "sink", bucket != NULL ? bucket : "sql-pde-exports");
    mb = r->given->batch_mb > 0 ? r->given->batch_mb : mb;
    if (mb > 0) {
        char size[40];
        snprintf(size, sizeof size, "%lldMiB", (long long)mb);
        json_object_set_new(r->extract, "part_bytes", json_string(size));
        spec_note(r, "batch",
                  "files are cut by the bytes that are written, not by what statistics say of the table");
    }
}
