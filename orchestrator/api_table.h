#ifndef ORCHESTRATOR_API_TABLE_H
#define ORCHESTRATOR_API_TABLE_H
#include "orchestrator/serve.h"
/* /v1/tables: the data dictionary, and the rows of its tables. docs/rows.md tells each. */
serve_fn api_tables, api_table, api_rows_get, api_rows_post, api_table_rejects;
#endif
