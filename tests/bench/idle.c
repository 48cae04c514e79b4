/*
 * The yardstick of tick-idle: a program that is linked with the same libraries as orch, opens the same state
 * file in the same mode, asks it one question, and ends. What orch tick takes longer is orch.
 *
 * idle STATE_FILE
 */
#include <curl/curl.h>
#include <jansson.h>
#include <libxml/parser.h>
#include <mysql.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

/* Named, so that the linker keeps each library; never called. */
typedef void any_fn(void);
any_fn *const kept[] = {
    (any_fn *)curl_easy_init, (any_fn *)json_object,     (any_fn *)xmlInitParser, (any_fn *)mysql_init,
    (any_fn *)EVP_MD_CTX_new, (any_fn *)ZSTD_createDCtx, (any_fn *)zlibVersion,
};

int main(int argc, char **argv)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    int rc = argc == 2 ? sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) : SQLITE_MISUSE;

    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, "SELECT count(*) FROM sqlite_schema", -1, &st, NULL);
    if (rc == SQLITE_OK && sqlite3_step(st) != SQLITE_ROW)
        rc = SQLITE_ERROR;
    if (rc != SQLITE_OK)
        fprintf(stderr, "idle: %s\n", argc == 2 ? sqlite3_errmsg(db) : "idle STATE_FILE");
    sqlite3_finalize(st);
    sqlite3_close(db);
    return rc != SQLITE_OK;
}
