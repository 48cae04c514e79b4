#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H
/* Every maximum in the program, with its reason. */
#define KIB               (1024u)
#define MIB               (1024u * 1024u)
#define MAX_SECRET        (64 * KIB)  /* a password or token file */
#define MAX_CONFIG        (4 * MIB)   /* orch.json */
#define MAX_DEFINITION    (1 * MIB)   /* an ASL document, as on AWS */
#define MAX_PAYLOAD       (4 * MIB)   /* input or output of a state; AWS: 256 KiB */
#define MAX_JSON_DEPTH    256         /* nesting of JSON from outside */
#define MAX_XML_PAGE      (8 * MIB)   /* a ListObjectsV2 page: 1,000 keys of 1 KiB, escaped */
#define MAX_HTTP_BODY     (8 * MIB)   /* any response that is kept in memory */
#define MAX_HTTP_HEADERS  (256 * KIB) /* response headers */
#define HTTP_READ_AHEAD   (1 * MIB)   /* body bytes buffered before the transfer is paused */
#define MAX_KEY           1024        /* S3's limit for a key, in bytes of UTF-8 */
#define MAX_LIST_PAGES    10000       /* of one prefix: 10 M objects */
#define MAX_COLUMNS       4096        /* MySQL's limit */
#define MAX_RECORD        (16 * MIB)  /* one CSV record: MySQL's largest default packet */
#define MAX_REJECT_RAW    (64 * KIB)  /* raw bytes kept of a rejected record */
#define MAX_TOKEN_SET     256         /* NULL spellings of a column */
#define BATCH_ROWS        4000        /* rows of an array-bound INSERT: notes, measured */
#define BATCH_BYTES       (4 * MIB)   /* and the bytes of it, whatever the packet limit */
#define VERIFY_RANGE      200000      /* lines a verification or DELETE statement covers */
#define MAX_PARTITIONS    1000000     /* of a pipeline from since on: 114 years of hours */
#define MAX_LISTINGS      10000   /* of one generate-queue, least recently listed first; the rest next time */
#define MAX_LISTED        1000000 /* objects of one listing in memory */
#define MAX_JOB_OBJECTS   10000   /* of one job, however small they are */
#define MAX_PIPELINES     1000
#define MAX_STATES        10000 /* of a definition */
#define MAX_TRANSITIONS   25000 /* events of one execution, as on AWS */
#define MAX_JOBS_PER_TICK 10000 /* a tick that works longer leaves the rest to the next */
#endif
