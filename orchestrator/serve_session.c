/*
 * Browsers that gave the token once. A session is kept as the hash of its secret, in memory alone: a restart ends all, and
 * what is read out of a core or a swap file opens nothing.
 */
#include "base/mem.h"
#include "io/hash.h"
#include "orchestrator/serve_int.h"
#include <pthread.h>

enum { SESSION_MS = 12 * 3600 * 1000 };

struct session {
    unsigned char hash[SHA256_SIZE];
    char csrf[SERVE_SECRET_SIZE];
    int64_t until_ms; /* 0: free */
};
struct serve_sessions {
    pthread_mutex_t lock;
    struct session all[MAX_SERVE_SESSIONS];
};

bool serve_same_secret(const char *a, const char *b)
{
    unsigned char ha[SHA256_SIZE], hb[SHA256_SIZE];
    volatile unsigned char differ = 0;

    sha256_of(a, strlen(a), ha);
    sha256_of(b, strlen(b), hb);
    for (size_t i = 0; i < SHA256_SIZE; i++)
        differ |= (unsigned char)(ha[i] ^ hb[i]);
    return differ == 0;
}

void serve_secret(char out[SERVE_SECRET_SIZE])
{
    unsigned char bytes[(SERVE_SECRET_SIZE - 1) / 2];

    random_bytes(bytes, sizeof bytes);
    str_hex(bytes, sizeof bytes, out);
}

struct serve_sessions *serve_sessions_new(void)
{
    struct serve_sessions *s = xcalloc(1, sizeof *s);

    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void serve_sessions_free(struct serve_sessions *s)
{
    if (s == NULL)
        return;
    pthread_mutex_destroy(&s->lock);
    explicit_bzero(s->all, sizeof s->all);
    free(s);
}

void serve_session_begin(struct serve_sessions *s, int64_t now_ms, char out[SERVE_SECRET_SIZE])
{
    struct session *at = &s->all[0];

    serve_secret(out);
    pthread_mutex_lock(&s->lock);
    for (size_t i = 1; i < MAX_SERVE_SESSIONS; i++)
        if (s->all[i].until_ms < at->until_ms)
            at = &s->all[i];
    sha256_of(out, strlen(out), at->hash);
    serve_secret(at->csrf);
    at->until_ms = now_ms + SESSION_MS;
    pthread_mutex_unlock(&s->lock);
}

static struct session *find(struct serve_sessions *s, const char *given)
{
    unsigned char hash[SHA256_SIZE];

    sha256_of(given, strlen(given), hash);
    for (size_t i = 0; i < MAX_SERVE_SESSIONS; i++)
        if (s->all[i].until_ms != 0 && memcmp(s->all[i].hash, hash, sizeof hash) == 0)
            return &s->all[i];
    return NULL;
}

bool serve_session_find(struct serve_sessions *s, const char *given, int64_t now_ms,
                        char csrf[SERVE_SECRET_SIZE])
{
    bool found = false;

    pthread_mutex_lock(&s->lock);
    struct session *at = find(s, given);
    if (at != NULL && at->until_ms > now_ms) {
        memcpy(csrf, at->csrf, SERVE_SECRET_SIZE);
        found = true;
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

void serve_session_end(struct serve_sessions *s, const char *given)
{
    pthread_mutex_lock(&s->lock);
    struct session *at = find(s, given);
    if (at != NULL)
        explicit_bzero(at, sizeof *at);
    pthread_mutex_unlock(&s->lock);
}
