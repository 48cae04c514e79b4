#ifndef ORCHESTRATOR_BACKUP_PLACE_H
#define ORCHESTRATOR_BACKUP_PLACE_H
#include "orchestrator/cmd.h"
/* The database and the place of a backup, out of orch.json's connections and what the command line says. */
struct backup_place {
    struct config *config; /* owned: the two connections, as a config of their own */
    const struct target_config *target;
    const struct source_config *place;
};
/*
 * where: a connection's name; a folder; or s3://bucket/prefix/, with endpoint, region and credentials of the first connection to the
 * same bucket, else AWS's own. Database: connection, or the one of pipeline (an extract's source too); neither: the only MySQL
 * connection that there is.
 */
NODISCARD int backup_place_open(struct cli *c, const char *where, const char *connection,
                                const char *pipeline, struct backup_place *ret, struct err *err);
/* Such a place as a connection of orch.json; owned. NULL: *err says why. */
json_t *backup_place_json(json_t *connections, const char *where, struct err *err);
/* The place and the database that the config names for what is asked for over HTTP: serve.backups. */
NODISCARD int backup_place_served(struct cli *c, struct backup_place *ret, struct err *err);
void backup_place_close(struct backup_place *p);
extern const struct beat backup_beat; /* stops at SIGTERM and SIGINT */
#endif
