/* Blocks of an object container file: "null" and "deflate", which every reader has. Deflate is bare there, RFC 1951. */
#include "base/limits.h"
#include "io/ocf_int.h"
#include <zlib.h>

struct ocf_codec {
    bool deflate;
    enum ocf_way way;
    z_stream z;
    struct buf out;
};

int ocf_codec_new(const char *name, enum ocf_way way, struct ocf_codec **ret, struct err *err)
{
    bool none = name == NULL || strcmp(name, "null") == 0;
    int z = Z_OK;

    if (!none && strcmp(name, "deflate") != 0) {
        char shown[80];
        str_printable(name, strlen(name), shown, sizeof shown);
        err_set(err, way == OCF_PACK ? ERR_CONFIG : ERR_SCHEMA, "orch has no Avro codec '%s'", shown);
        return err_hint(err, "\"null\" and \"deflate\" are those that every reader of Avro has");
    }
    struct ocf_codec *c = xcalloc(1, sizeof *c);
    c->deflate = !none;
    c->way = way;
    buf_init(&c->out, way == OCF_PACK ? MAX_OCF_BLOCK + MAX_OCF_BLOCK / 8 : MAX_OCF_BLOCK);
    if (c->deflate && way == OCF_PACK)
        z = deflateInit2(&c->z, Z_BEST_SPEED, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    else if (c->deflate)
        z = inflateInit2(&c->z, -MAX_WBITS);
    if (z != Z_OK)
        abort();
    *ret = c;
    return 0;
}

void ocf_codec_free(struct ocf_codec *c)
{
    if (c == NULL)
        return;
    if (c->deflate && c->way == OCF_PACK)
        deflateEnd(&c->z);
    else if (c->deflate)
        inflateEnd(&c->z);
    buf_release(&c->out);
    free(c);
}

const char *ocf_codec_name(const struct ocf_codec *c)
{
    return c->deflate ? "deflate" : "null";
}

static int pack(struct ocf_codec *c, struct err *err)
{
    size_t bound = deflateBound(&c->z, c->z.avail_in);
    int rc = deflateReset(&c->z) == Z_OK ? buf_reserve(&c->out, bound, err)
                                         : err_set(err, ERR_INTERNAL, "deflate");

    if (rc < 0)
        return rc;
    c->z.next_out = (unsigned char *)c->out.p;
    c->z.avail_out = (uInt)bound;
    if (deflate(&c->z, Z_FINISH) != Z_STREAM_END)
        return err_set(err, ERR_INTERNAL, "deflate needs more than it said");
    c->out.n = bound - c->z.avail_out;
    return 0;
}

/* Room is made as the bytes come: what a file claims costs nothing. */
static int unpack(struct ocf_codec *c, struct err *err)
{
    enum { STEP = 64 * KIB };
    int z = inflateReset(&c->z);

    while (z != Z_STREAM_END) {
        size_t room = MAX_OCF_BLOCK - c->out.n;
        room = room < STEP ? room : STEP;
        if (room == 0)
            return err_set(err, ERR_TOO_LARGE, "a block has more than %u bytes when unpacked", MAX_OCF_BLOCK);
        int rc = buf_reserve(&c->out, room, err);
        if (rc < 0)
            return rc;
        c->z.next_out = (unsigned char *)c->out.p + c->out.n;
        c->z.avail_out = (uInt)room;
        z = inflate(&c->z, Z_NO_FLUSH);
        if (z == Z_MEM_ERROR)
            abort();
        if (z != Z_OK && z != Z_STREAM_END)
            return err_set(err, ERR_CORRUPT, "a packed block is damaged: %s",
                           c->z.msg != NULL ? c->z.msg : "it is cut off");
        c->out.n += room - c->z.avail_out;
    }
    if (c->z.avail_in > 0)
        return err_set(err, ERR_CORRUPT, "%u bytes follow the packed ones of a block", c->z.avail_in);
    return 0;
}

int ocf_codec_run(struct ocf_codec *c, struct str in, struct str *ret, struct err *err)
{
    if (!c->deflate) {
        *ret = in;
        return 0;
    }
    buf_clear(&c->out);
    c->z.next_in = (unsigned char *)(uintptr_t)in.p;
    c->z.avail_in = (uInt)in.n;
    int rc = c->way == OCF_PACK ? pack(c, err) : unpack(c, err);
    *ret = (struct str){c->out.p, c->out.n};
    return rc;
}
