#include "orchestrator/serve_schema.h"
#include "base/mem.h"
#include "base/str.h"

/*
 * A member is name:type, its name with ? where it may be absent, its type with | where it may be null. Types: text, time, int,
 * bool, object (of members that no list can name), any, a schema's name, and [type] for lists.
 */
static const struct {
    const char *name, *members;
} schemas[] = {
    {"Problem", "type:text title:text status:int detail?:text code:text hint?:text request_id?:text"},
    {"Pause", "since:time who:text reason:text"},
    {"Square", "partition:text state:text"},
    {"Pipeline", "pipeline:text schedule:text owner:Owner source:text prefix:text table:text paused:Pause| "
                 "waits:Waits| last_good:text| lag_ms:int| reconciliation:text last24:[Square] counts:object "
                 "rejects:RejectCounts left_out:int left_out_example:text| retry:time| last_look:time| "
                 "next_look:time| attention?:[Attention]"},
    {"Owner", "name:text| email:text|"},
    {"Waits", "since:time text:text"},
    {"RejectCounts", "final:int other:int"},
    {"Attention", "pipeline:text partition:text class:text text:text hint:text"},
    {"Pipelines", "pipelines:[Pipeline] next?:text"},
    {"Partitions", "pipeline:text partitions?:[Partition] ranges?:[Range] next?:text"},
    {"Partition", "partition:text state:text since:time| listed:time| reason:text| objects:int rows_read:int "
                  "rows_loaded:int rows_rejected:int unverifiable:bool"},
    {"Range", "state:text from:text to:text partitions:int"},
    {"Jobs", "jobs:[Job] next?:text"},
    {"Job", "id:int job:text n:int kind:text state:text attempts:int tries:int objects:int rows_read:int "
            "rows_loaded:int rows_rejected:int bytes:int error:text| message:text| hint:text| reason:text| "
            "who:text| "
            "unverifiable:bool not_before:time| created:time updated:time loaded:time| reconciled:time|"},
    {"Executions", "executions:[Execution] next?:text"},
    {"Execution", "id:int pipeline:text cause_of_start:text executionArn:text stateMachineArn:text name:text "
                  "status:text startDate:time stopDate?:time| redriveCount:int redriveDate?:time "
                  "redriveStatus?:text redriveStatusReason?:text input?:text "
                  "inputDetails?:object output?:text outputDetails?:object error?:text cause?:text"},
    {"Events", "execution:int events:[object] next?:text"},
    {"Rejects", "rejects?:[Reject] groups?:[RejectGroup] more?:bool next?:text"},
    {"Reject",
     "pipeline:text partition:text n:int key:text line:int offset:int column:text| code:text message:text "
     "hint:text| state:text raw:text raw_bytes:int raw_sha256:text load_id:int at:time| who:text| "
     "reason:text| decided:time|"},
    {"RejectGroup", "code?:text column?:text key?:text rejects:int example:text"},
    {"Reconciliation", "pipeline:text objects:[Object] jobs:[Compared] sums:Sums next?:text"},
    {"Object", "partition:text job:int key:text size:int etag:text load_id:int generation:int state:text "
               "rows_read:int rows_loaded:int rows_rejected:int difference:int| loaded:time|"},
    {"Compared",
     "id:int job:text partition:text state:text verdict:text| at?:time rows_source?:int rows_loaded?:int "
     "rows_rejected?:int rows_target?:int differences?:[object]"},
    {"Sums", "rows_read:int rows_loaded:int rows_rejected:int difference:int"},
    {"Extracts", "extracts:[Extract]"},
    {"Extract", "extract:text tables:[object|]"},
    {"Summary",
     "last_tick:Tick| pipelines:[Pipeline] extracts:[Extract] attention:[Attention] channels:[Channel] "
     "requests:RequestCounts findings:int exit:int"},
    {"Tick", "started:time finished:time| success:time| duration_ms:int exit_status:int host:text pid:int"},
    {"Channel", "channel:text failing_since:time tried:time error:text"},
    {"RequestCounts", "waiting:int running:int"},
    {"Requests", "requests:[Request] next?:text"},
    {"Request",
     "id:int kind:text pipeline:text args:object title:text reason:text who:text state:text attempts:int "
     "acted:int result:object| error:text message:text hint:text made:time started:time| ended:time| "
     "not_before:time| acknowledged:time|"},
    {"Paused", "pipeline:text changed:bool paused:Pause|"},
    {"Backups", "table:text backups:[Backup] next?:text"},
    {"Backup", "run:text at:time| manifest:text"},
    {"Tables", "tables:[Table]"},
    {"Table",
     "name:text connection:text table:text writable:bool all_required:bool csv_header:bool rules:[Rule] "
     "columns?:[Column] keys?:[Key]"},
    {"Rule", "column:text required:bool min:text| max:text| pattern:text| values:[text]| references:text|"},
    {"Column",
     "name:text type:text nullable:bool required:bool default:bool auto_increment:bool generated:bool"},
    {"Key", "name:text columns:[text]"},
    {"Rows", "table:text rows:[object] next?:text"},
    {"RowsTaken", "table:text mode:text request_id:text records:int stored:int rejected:int rows:[RowTaken]"},
    {"RowTaken", "row:int status:text code?:text column?:text message?:text hint?:text"},
    {"TableRejects", "table:text rejects:[TableReject] next?:text"},
    {"TableReject",
     "id:int at:time record:int line:int source:text who:text code:text column:text| message:text "
     "hint:text| raw?:text raw_hex?:text raw_bytes:int"},
    {"Alive", "status:text last_tick_age_s?:int"},
    {"AskReplay", "partition?:text from?:text to?:text only?:text reason?:text dry_run?:bool"},
    {"AskRetry", "partition?:text from?:text to?:text reason?:text dry_run?:bool"},
    {"AskSkip", "partition:text reason?:text undo?:bool dry_run?:bool"},
    {"AskPause", "reason:text"},
    {"AskResume", "reason?:text"},
    {"AskBackup", "tables:[text] codec?:text reason?:text"},
    {"AskRestore", "table:text into?:text run?:text empty?:bool dry_run?:bool reason?:text"},
};

static const struct {
    const char *operation, *answer, *body; /* NULL: none */
} uses[] = {
    {"healthz", "Alive", NULL},
    {"readyz", "Alive", NULL},
    {"summary", "Summary", NULL},
    {"listPipelines", "Pipelines", NULL},
    {"getPipeline", "Pipeline", NULL},
    {"listPartitions", "Partitions", NULL},
    {"replay", "Request", "AskReplay"},
    {"retry", "Request", "AskRetry"},
    {"skip", "Request", "AskSkip"},
    {"pause", "Paused", "AskPause"},
    {"resume", "Paused", "AskResume"},
    {"listExtracts", "Extracts", NULL},
    {"listJobs", "Jobs", NULL},
    {"listExecutions", "Executions", NULL},
    {"getExecution", "Execution", NULL},
    {"listEvents", "Events", NULL},
    {"listRejects", "Rejects", NULL},
    {"reconciliation", "Reconciliation", NULL},
    {"listBackups", "Backups", NULL},
    {"backup", "Request", "AskBackup"},
    {"restore", "Request", "AskRestore"},
    {"listRequests", "Requests", NULL},
    {"getRequest", "Request", NULL},
    {"acknowledge", "Request", "AskPause"},
    {"tables", "Tables", NULL},
    {"table", "Table", NULL},
    {"rows", "Rows", NULL},
    {"putRows", "RowsTaken", NULL},
    {"tableRejects", "TableRejects", NULL},
};

static json_t *ref_to(const char *name, size_t n)
{
    char *path = xasprintf("#/components/schemas/%.*s", (int)n, name);
    json_t *o = json_pack("{s:s}", "$ref", path);

    free(path);
    return o;
}

static bool is(struct str s, const char *word)
{
    return str_eq(s, str_of(word));
}

/* A list of lists is in none: one level. */
static json_t *plain_type(struct str s)
{
    if (is(s, "text"))
        return json_pack("{s:s}", "type", "string");
    if (is(s, "time"))
        return json_pack("{s:s,s:s}", "type", "string", "format", "date-time");
    if (is(s, "int"))
        return json_pack("{s:s}", "type", "integer");
    if (is(s, "bool"))
        return json_pack("{s:s}", "type", "boolean");
    if (is(s, "object"))
        return json_pack("{s:s}", "type", "object");
    return is(s, "any") ? json_object() : ref_to(s.p, s.n);
}

static json_t *or_null(json_t *taken)
{
    return json_pack("{s:[o,{s:s}]}", "anyOf", taken, "type", "null");
}

static json_t *item_type(struct str s)
{
    bool null = s.n > 0 && s.p[s.n - 1] == '|';
    json_t *type = plain_type((struct str){s.p, s.n - null});

    return null ? or_null(type) : type;
}

static json_t *type_of(struct str s)
{
    bool null = s.n > 0 && s.p[s.n - 1] == '|';
    size_t n = s.n - null;

    if (n < 2 || s.p[0] != '[')
        return item_type(s);
    json_t *list = json_pack("{s:s,s:o}", "type", "array", "items", item_type((struct str){s.p + 1, n - 2}));
    return null ? or_null(list) : list;
}

static json_t *schema_of(const char *members)
{
    json_t *properties = json_object(), *required = json_array();

    for (const char *p = members; *p != '\0'; p += *p == ' ') {
        size_t n = strcspn(p, " "), name_n = strcspn(p, ":");
        bool absent = name_n > 0 && p[name_n - 1] == '?';
        char *name = xstrndup(p, name_n - absent);
        json_object_set_new(properties, name, type_of((struct str){p + name_n + 1, n - name_n - 1}));
        if (!absent)
            json_array_append_new(required, json_string(name));
        free(name);
        p += n;
    }
    return json_pack("{s:s,s:o,s:o}", "type", "object", "properties", properties, "required", required);
}

json_t *serve_schemas(void)
{
    json_t *all = json_object();

    for (size_t i = 0; i < ARRAY_LEN(schemas); i++)
        json_object_set_new(all, schemas[i].name, schema_of(schemas[i].members));
    return all;
}

static json_t *used(const char *operation, bool body)
{
    for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
        const char *name = body ? uses[i].body : uses[i].answer;
        if (strcmp(uses[i].operation, operation) == 0 && name != NULL)
            return ref_to(name, strlen(name));
    }
    return NULL;
}

json_t *serve_schema_answer(const char *operation)
{
    return used(operation, false);
}

json_t *serve_schema_body(const char *operation)
{
    return used(operation, true);
}
