#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H
/* Every maximum in the program, with its reason. */
#define KIB               (1024u)
#define MIB               (1024u * 1024u)
#define MAX_SECRET        (64 * KIB) /* a password or token file */
#define MAX_CONFIG        (4 * MIB)  /* orch.json */
#define MAX_DEFINITION    (1 * MIB)  /* an ASL document, as on AWS */
#define MAX_PAYLOAD       (4 * MIB)  /* input or output of a state; AWS: 256 KiB */
#define MAX_JSON_DEPTH    256        /* nesting of JSON from outside */
#define MAX_CAUSE         32768      /* of an error, in bytes; as on AWS */
#define MAX_ARGUMENTS     1000       /* of a command of a definition */
#define MAX_STDERR        (8 * KIB)  /* of it that is kept: its end */
#define MAX_TASK_URL      (8 * KIB)  /* of a request of a definition: what servers take */
#define MAX_TASK_HEADERS  100        /* of it */
#define MAX_STATEMENTS    100        /* of one task of a definition, which is one transaction */
#define MAX_RESOURCE_MAP  (1 * MIB)  /* as a definition */
#define MAX_MAP_RULES     1000
#define MAX_GRAPH         (16 * MIB)  /* a drawn workflow of 500 states */
#define MAX_METRICS       (64 * MIB)  /* the metrics page: 1,000 pipelines with 20 states each */
#define MAX_XML_PAGE      (8 * MIB)   /* a ListObjectsV2 page: 1,000 keys of 1 KiB, escaped */
#define MAX_HTTP_BODY     (8 * MIB)   /* any response that is kept in memory */
#define MAX_HTTP_HEADERS  (256 * KIB) /* response headers */
#define HTTP_READ_AHEAD   (1 * MIB)   /* body bytes buffered before the transfer is paused */
#define CLOCK_SLACK_MS    60000       /* what was written further ahead than that: the clock was set back */
#define MAX_KEY           1024        /* S3's limit for a key, in bytes of UTF-8 */
#define MAX_LIST_PAGES    10000       /* of one prefix: 10 M objects */
#define MAX_UPLOAD_PIECES 10000       /* S3's limit; with SINK_PIECE 78 GiB of one object */
#define MAX_COLUMNS       4096        /* MySQL's limit */
#define MAX_DRIFT_COLUMNS 16          /* that one header may add to a table: more is another file */
#define MAX_RECORD        (16 * MIB)  /* one CSV record: MySQL's largest default packet */
#define MAX_CELL          (64 * MIB)  /* one value of a query's result: what a person still calls a value */
#define MAX_DB_PACKET                                                                                        \
    (256 * MIB) /* of a database's answer: a row of several large cells; a server may say any length */
#define MAX_REJECT_RAW (64 * KIB) /* raw bytes kept of a rejected record */
#define MAX_OCF_BLOCK                                                                                        \
    (128 * MIB) /* a block of an Avro file as rows: one row at least, of several large cells */
#define MAX_OCF_HEADER    (16 * MIB) /* its schema and metadata: 4,096 columns with long ENUMs */
#define MAX_TOKEN_SET     256        /* NULL spellings of a column */
#define MAX_CONSTANT      (4 * KIB)  /* bytes of a constant column: a key, and some words */
#define BATCH_ROWS        4000       /* rows of an array-bound INSERT: notes, measured */
#define BATCH_BYTES       (4 * MIB)  /* and the bytes of it, whatever the packet limit */
#define MAX_KEY_VALUES    (4 * MIB)  /* values of a column that are compared to find a key */
#define VERIFY_RANGE      200000     /* lines a verification or DELETE statement covers */
#define MAX_PARTITIONS    1000000    /* of a pipeline from since on: 114 years of hours */
#define MAX_LISTINGS      10000   /* of one generate-queue, least recently listed first; the rest next time */
#define MAX_LISTED        1000000 /* objects of one listing in memory */
#define MAX_JOB_OBJECTS   10000   /* of one job, however small they are */
#define MAX_MANIFEST      (16 * MIB) /* of an extract run: 10,000 parts of 1 KiB, 4096 columns, its SQL */
#define MAX_RUN_PARTS     10000      /* of one table of an extract run */
#define MIN_CHUNK         65536      /* bytes of an object: less is all overhead, and rows of the ledger */
#define MAX_PARALLEL      8          /* connections of a load: as many as an epoch's named locks */
#define MAX_PIPELINES     1000
#define MAX_STATEMENT     (8 * MIB)   /* one SELECT: 4,096 names, and a query as long as orch.json may be */
#define MAX_SQL_SHOWN     (64 * KIB)  /* of it in a log line and a manifest */
#define MAX_SQL_VALUES    60000       /* MySQL takes 65,535 marks, and the pages have theirs */
#define MAX_SPEC          (1 * MIB)   /* a task of another system, as JSON */
#define MAX_SPEC_TABLES   1000        /* of one */
#define MAX_ZONE_FILE     (256 * KIB) /* a time zone: the longest has 4 KiB */
#define MAX_ZONE_CHANGES  4000        /* and 240 changes of its offset */
#define MAX_STATES        10000       /* of a definition */
#define MAX_TRANSITIONS   2000000     /* events of one execution: a Map of 10,000 items; AWS: 25,000 */
#define MAX_NESTED        32          /* Parallel and Map states within each other */
#define MAX_FRAMES        1000 /* of an execution at a time; past it a Map has one iteration at a time */
#define MAX_VARIABLES     (10 * MIB)  /* all that a state sees, as on AWS */
#define MAX_MOCKS         (16 * MIB)  /* a file of prepared answers: a few of the largest */
#define MAX_SIM_EVENTS    250000      /* of a simulation: a Map of 10,000 items with 25 each */
#define MAX_SIM_BYTES     (256 * MIB) /* of their details, kept or not: bounds time too */
#define MAX_SIM_MS        300000 /* that it may compute: paths may look at millions of nodes, for each event */
#define AWS_EVENTS        25000  /* AWS's MAX_TRANSITIONS */
#define AWS_PAYLOAD       (256 * KIB) /* and its MAX_PAYLOAD */
#define MAX_ALERT         (1 * MIB)   /* one message of an alert channel */
#define MAX_ALERT_URL     2000        /* of a mail server, webhook or ping */
#define MAX_DIGEST        200         /* entries of one message; the rest is counted */
#define MAX_JOBS_PER_TICK 10000       /* a tick that works longer leaves the rest to the next */
#define MAX_CRONTAB       (1 * MIB)   /* a crontab that is read and written back */
#define MAX_CRON_COMMAND  990         /* of one line: cron cuts what is longer than 999 */

#define MAX_SERVE_LINE        (8 * KIB)   /* a request line of orch serve: 414 */
#define MAX_SERVE_HEAD        (16 * KIB)  /* and its header: 431 */
#define MAX_SERVE_BODY        (64 * KIB)  /* what is no rows: 413 */
#define MAX_INTAKE_BODY       (8 * MIB)   /* 1,000 rows of 8 KiB */
#define MAX_INTAKE_ROWS       1000        /* of one request, which is one window */
#define MAX_INTAKE_ANSWER     (4 * MIB)   /* what is kept with a key: a verdict of 4 KiB a row */
#define MAX_INTAKE_REJECTS    1000        /* that wait to be written */
#define MAX_INTAKE_KEPT       (16 * MIB)  /* and their bytes: 256 records of MAX_REJECT_RAW */
#define API_ROWS              100         /* of a page of /v1, unless it is said */
#define MAX_API_ROWS          1000        /* and where it is */
#define MAX_API_PAGE          (4 * MIB)   /* a page ends there */
#define MAX_API_PLAN          10000       /* partitions of one request: a year of hours */
#define MAX_API_TABLES        1000        /* of one backup */
#define MAX_SERVE_BODIES      (128 * MIB) /* of all requests at once: 503 */
#define MAX_SERVE_ANSWER      (64 * MIB)  /* the metrics page */
#define MAX_SERVE_CONNECTIONS 1000        /* a thread each */
#define MAX_SERVE_SESSIONS    64          /* browsers that are logged in; the oldest goes */
#define MAX_SERVE_TARGETS     32          /* connections to databases */
#define MAX_SERVE_READERS     4           /* handlers that read the state file at once; more wait */
#define MAX_SERVE_HEADERS     100         /* lines of a request's header */
#define MAX_SERVE_FIELDS      64          /* names in a query or form */

/* What a person gives as a reason: whole in every table, alert and message. */
#define MAX_REASON 300
/* 100 years: any time may be moved by any duration. */
#define MAX_DURATION_MS INT64_C(3153600000000)
#endif
