#ifndef ORCHESTRATOR_SERVE_LISTEN_H
#define ORCHESTRATOR_SERVE_LISTEN_H
#include "base/err.h"
/* Where orch serve listens: "127.0.0.1:8086", "[::1]:8086", "unix:/run/orch/serve.sock". Port 0: the system chooses. */
struct lock;
struct serve_place {
    int fd;
    bool loopback; /* or a socket */
    char host[64], url[300], path[120];
    struct lock *lock; /* owned; of a socket */
};
/* Another address than loopback is ERR_CONFIG without a token; ERR_BUSY where somebody listens already. */
NODISCARD int serve_listen(const char *where, bool has_token, struct serve_place *ret, struct err *err);
void serve_unlisten(struct serve_place *p); /* takes a socket's name away; the descriptor is the daemon's */
#endif
