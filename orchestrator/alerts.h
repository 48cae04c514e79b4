#ifndef ORCHESTRATOR_ALERTS_H
#define ORCHESTRATOR_ALERTS_H
#include "orchestrator/config.h"
#include "orchestrator/say_items.h"
#include "orchestrator/tick.h"
#include "state/store.h"
/*
 * Alert channels: alerts.command, alerts.webhook, and one per recipient of mail. Each has a belief of its own
 * (state/told.h), so one that is away keeps none of the others waiting, and hears later what it has missed, in one
 * message. Sent first, marked afterwards: who dies between sends that one message twice, under the same id.
 */
enum channel_kind { CHANNEL_COMMAND, CHANNEL_WEBHOOK, CHANNEL_MAIL };
enum { CHANNEL_NAME_SIZE = 300 };
struct channel {
    enum channel_kind kind;
    char name[CHANNEL_NAME_SIZE]; /* "command", "webhook", "mail ana@example.org" */
    const char *address;          /* of mail */
    bool all;                     /* every pipeline; else those whose owner has the address */
};
/* Returns owned; *ret_n of them. */
struct channel *channels_of(const struct config *c, size_t *ret_n);

/* What stands, of the pipelines that were looked at. */
struct standing {
    const struct config *config;
    struct store *store;
    const struct items *found; /* by key */
    bool (*looked_at)(void *arg, const char *pipeline);
    void *arg;
    int64_t now_ms;
};
/* What was said is due again: renotify has passed, less the moment by which one tick comes sooner than another. A clock that
 * was set back is no reason, unless by as much. */
bool alert_again(int64_t said_ms, int64_t renotify_ms, int64_t now_ms);
/* 1: some channel believes something else. */
NODISCARD int alerts_differ(const struct standing *s, struct err *err);
/* In the transaction that records the troubles: every channel's belief, to be told. */
NODISCARD int alerts_write_down(const struct standing *s, struct err *err);
/* Sends what is due, one message a channel. *ret_changed: a channel began or ceased to fail. */
NODISCARD int alerts_deliver(struct store *store, const struct config *c, int64_t now_ms, bool *ret_changed,
                             struct err *err);
/* Class ALERT, part = the channel's name: those that fail and are in the config; ping never is one: it fails no tick. */
NODISCARD int alerts_findings(struct store *store, const struct config *c,
                              int (*fn)(void *arg, const struct finding *f, struct err *err), void *arg,
                              struct err *err);

/* alert_message.c: what one channel is told. */
struct message {
    struct items items; /* in the order in which they are told; due ones are in the message */
    char id[40];        /* the same for the same news */
    char subject[400];
    json_t *document;
    char *body;        /* of a mail */
    char *threads[12]; /* NULL-ended */
};
/* test: a message without troubles. Takes items. */
NODISCARD int message_make(const struct config *c, const struct channel *ch, struct items *items, bool test,
                           int64_t now_ms, struct message *ret, struct err *err);
void message_release(struct message *m);
/* alert_send.c */
NODISCARD int channel_send(const struct config *c, const struct channel *ch, const struct message *m,
                           int64_t now_ms, struct err *err);
/* ping.c: url/what?rid=; body may be "". */
NODISCARD int ping_send(const struct config *c, const char *what, const char *rid, const char *body,
                        struct err *err);
void ping_run_id(char out[40]);
/* In a transaction of its own, and only where it is news. */
NODISCARD int ping_note(struct store *store, const struct err *failure, int64_t now_ms, struct err *err);
#endif
