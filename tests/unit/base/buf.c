#include "base/buf.h"
#include "tests/tap.h"

TEST(grows_and_stays_terminated)
{
    struct buf b = BUF_INIT(100000);
    struct err err;

    for (int i = 0; i < 10000; i++)
        must_rc(buf_addf(&b, &err, "%d,", i % 10), &err);
    is_int(b.n, 20000);
    is_int(strlen(b.p), 20000);
    is_str(b.p + 19990, "5,6,7,8,9,");
    buf_release(&b);
}

TEST(the_maximum_is_an_error_never_a_cut)
{
    struct buf b = BUF_INIT(10);
    struct err err;

    must_rc(buf_add(&b, "0123456789", 10, &err), &err);
    fails(buf_add(&b, "x", 1, &err), &err, ERR_TOO_LARGE);
    fails(buf_addf(&b, &err, "%d", 7), &err, ERR_TOO_LARGE);
    fails(buf_reserve(&b, SIZE_MAX, &err), &err, ERR_TOO_LARGE);
    is_str(b.p, "0123456789");
    is_int(b.n, 10);
    buf_release(&b);
}

TEST(bytes_may_be_nul)
{
    struct buf b = BUF_INIT(10);
    struct err err;

    must_rc(buf_add(&b, "a\0b", 3, &err), &err);
    is_mem(b.p, b.n, "a\0b", 3);
    buf_release(&b);
}

TEST(take_hands_over_and_never_gives_null)
{
    struct buf b = BUF_INIT(10);
    struct err err;

    char *empty = buf_take(&b);
    is_str(empty, "");
    free(empty);
    must_rc(buf_adds(&b, "mine", &err), &err);
    char *mine = buf_take(&b);
    is_str(mine, "mine");
    free(mine);
    is_int(b.n, 0);
    must_rc(buf_adds(&b, "again", &err), &err); /* its maximum is kept */
    fails(buf_adds(&b, "123456", &err), &err, ERR_TOO_LARGE);
    buf_release(&b);
}

TEST(clear_keeps_the_memory)
{
    struct buf b = BUF_INIT(1000);
    struct err err;

    must_rc(buf_adds(&b, "something", &err), &err);
    const char *p = b.p;
    buf_clear(&b);
    is_int(b.n, 0);
    is_str(b.p, "");
    must_rc(buf_adds(&b, "other", &err), &err);
    ok(b.p == p);
    buf_release(&b);
    buf_clear(&b); /* nothing there: well, too */
}

TEST(reserve_leaves_room_for_the_end)
{
    struct buf b = BUF_INIT(256);
    struct err err;

    must_rc(buf_reserve(&b, 256, &err), &err);
    memset(b.p, 'x', 256);
    b.n = 256;
    must_rc(buf_add(&b, NULL, 0, &err), &err); /* writes the NUL behind the last byte */
    is_int(strlen(b.p), 256);
    buf_release(&b);
}
