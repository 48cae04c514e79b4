#ifndef IO_SINK_H
#define IO_SINK_H
#include "io/source.h"
/*
 * Where files go: s3://bucket/prefix/ and file:///folder/ behind one interface; the other side of io/source.h. Keys are
 * relative to the URL, without "..", an empty part or a slash at either end. A sink belongs to one thread.
 */
struct sink;
NODISCARD int sink_open(const struct source_config *config, struct sink **ret,
                        struct err *err); /* no network yet */
void sink_close(struct sink *s);          /* NULL is fine */
/* What could not be aborted, and stays at the server until somebody does; "": nothing. The last of them, as a sentence. */
const char *sink_left(const struct sink *s);
bool sink_is_s3(const struct sink *s);
/* Where the folder of key is not there yet, so that a write would make it: the nearest above that is, owned. Else NULL. */
char *sink_above(const struct sink *s, const char *key);
/*
 * One object that is written as it grows. Nobody sees it before upload_finish; one of the same key is replaced then. S3: a
 * multipart upload in pieces of SINK_PIECE (one PUT where all of it fits in the first); file: a name that begins with a
 * dot beside it, fsync, rename, fsync of the folder. Pieces that fail are sent again as s3.h says. In memory: on S3 the piece
 * that is filled and the one that is on its way meanwhile; of a file 256 KiB. More than MAX_UPLOAD_PIECES pieces are
 * ERR_TOO_LARGE: whoever cuts parts cuts them below 78 GiB.
 */
#define SINK_PIECE (8 * 1024 * 1024)
struct upload;
struct uploaded {
    int64_t bytes;
    char sha256[65]; /* of the bytes as written */
    char etag[80];   /* "" of a file */
};
NODISCARD int sink_upload(struct sink *s, const char *key, struct upload **ret, struct err *err);
NODISCARD int upload_write(struct upload *u, const void *p, size_t n, struct err *err);
/*
 * The same without a copy, for whoever fills pieces of SINK_PIECE himself: he sums what he fills while it is in his cache, in any
 * thread, and gives the piece, which is sent from where it lies. Each but the last is there when upload_give is back; the
 * last stays where it is until upload_finish or upload_abort. Not together with upload_write.
 */
struct sink_sum; /* of an object that is filled for this sink */
struct sink_sum *sink_sum_new(const struct sink *s);
void sink_sum_add(struct sink_sum *m, const void *p, size_t n);
void sink_sum_free(struct sink_sum *m); /* NULL is fine */
struct sink_piece {
    const void *p; /* borrowed */
    size_t n;      /* SINK_PIECE; of the last up to that */
    bool last;
    char md5[33];    /* "": this kind of sink, or the system, has none */
    char sha256[65]; /* of the whole, with the last */
};
void sink_sum_piece(struct sink_sum *m, struct sink_piece *io_piece); /* ends a piece; last is set */
NODISCARD int upload_give(struct upload *u, const struct sink_piece *piece, struct err *err);
/* Takes u whatever comes; where it fails the object is as it was before, and nothing is left open, or the hint and sink_left
 * say what is. An answer that was lost is settled by looking at what is there; only where no look is answered either may the
 * object be whole and this have failed. What a server then holds is compared: ETag where it is of the bytes, else the size. */
NODISCARD int upload_finish(struct upload *u, struct uploaded *ret, struct err *err);
/* Takes u: the upload is aborted until the server lists no piece of it. NULL is fine. */
void upload_abort(struct upload *u);
/* Whole and small, and only where there is none of that key yet: 1 written, 0 there is one. S3: If-None-Match, after a look
 * of our own for servers that do not know it (there two that look at once both write; radosgw 16 and AWS do know it). File:
 * a link, which is atomic. An answer that was lost is settled by reading what is there: ours is 1. */
NODISCARD int sink_put_new(struct sink *s, const char *key, const void *p, size_t n, struct err *err);
/* 1: read whole into ret (cleared first; ret->max bounds it, ERR_TOO_LARGE), 0: there is none. */
NODISCARD int sink_read(struct sink *s, const char *key, struct buf *ret, struct err *err);
NODISCARD int sink_remove(struct sink *s, const char *key,
                          struct err *err); /* one that is not there is fine */
/* As source_list. */
NODISCARD int sink_list(struct sink *s, const char *prefix,
                        int (*fn)(void *arg, const struct object_info *o, struct err *err), void *arg,
                        struct err *err);
/* Uploads that somebody began and never ended, with keys that begin with prefix (S3: multipart uploads, file: our dotted
 * names). is_ours (key) 1: aborted, 0: left; NULL: all of them. Returns how many were. */
NODISCARD int sink_abandon(struct sink *s, const char *prefix, int (*is_ours)(void *arg, const char *key),
                           void *arg, struct err *err);
#endif
