/* What orch doctor tries of serve.backups: the place where what is asked for over HTTP goes, and the database that it is of. */
#include "base/mem.h"
#include "orchestrator/backup_place.h"
#include "orchestrator/doctor.h"

void doctor_backups(struct doctor *d, struct cli *c)
{
    static const char what[] = "serve.backups";
    struct backup_place place = {0};
    struct target *t = NULL;
    struct err err;

    if (c->config->backups.connection == NULL)
        return;
    if (backup_place_served(c, &place, &err) < 0) {
        doctor_fail(d, what, &err);
        return;
    }
    doctor_files(d, what, place.place, "");
    if (target_open(place.target, &t, &err) < 0)
        doctor_fail(d, what, &err);
    else
        doctor_say(d, what, DOCTOR_OK, NULL, "%s (%s) answers: its tables can be asked for", target_name(t),
                   target_version(t));
    target_close(t);
    backup_place_close(&place);
}
