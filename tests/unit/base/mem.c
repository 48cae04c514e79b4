#include "base/mem.h"
#include "tests/tap.h"
#include <sys/wait.h>
#include <unistd.h>

TEST(arena_gives_aligned_memory_that_does_not_overlap)
{
    struct arena *a = arena_new();
    unsigned char *p[200];

    for (int i = 0; i < 200; i++) {
        p[i] = arena_alloc(a, (size_t)i * 37);
        is_int((uintptr_t)p[i] % 16, 0);
        memset(p[i], i, (size_t)i * 37);
    }
    for (int i = 0; i < 200; i++)
        for (size_t k = 0; k < (size_t)i * 37; k++)
            if (p[i][k] != (unsigned char)i)
                must(false && "untouched by its neighbours");
    arena_free(a);
}

TEST(arena_is_used_again_after_a_reset)
{
    struct arena *a = arena_new();

    char *big = arena_alloc(a, 1000000);
    memset(big, 1, 1000000);
    arena_alloc(a, 10);
    arena_reset(a);
    ok(arena_alloc(a, 1000000) == (void *)big); /* the largest block stayed */
    is_str(arena_strndup(a, "abcdef", 3), "abc");
    arena_reset(a);
    arena_reset(a);
    arena_free(a);
    arena_free(NULL);
}

TEST(strings)
{
    char *a = xstrndup("abcdef", 3), *b = xasprintf("%s-%d", "x", 7), *c = xstrdup("");

    is_str(a, "abc");
    is_str(b, "x-7");
    is_str(c, "");
    free(a);
    free(b);
    free(c);
}

TEST(large_memory_is_cleared_to_its_last_byte_though_it_was_written_before)
{
    static const size_t counts[] = {1, 1000, (2 << 20) - 1, 2 << 20, (2 << 20) + 1, (5 << 20) + 4321};

    for (int round = 0; round < 3; round++)
        for (size_t k = 0; k < ARRAY_LEN(counts); k++) {
            unsigned char *p = xcalloc_large(counts[k], 2), all = 0;
            for (size_t i = 0; i < 2 * counts[k]; i++)
                all |= p[i];
            is_int(all, 0);
            memset(p, 0xff, 2 * counts[k]);
            free(p);
        }
}

/* How a child that does this ends: 0 is well. */
static int ended(void (*fn)(void))
{
    int status = 0;

    fflush(NULL);
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(1);
        fn();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return status;
}

static volatile size_t enormous = SIZE_MAX / 2;

static void wrap_round(void)
{
    UNUSED(xcalloc(enormous, 4));
}

static void large_wrap(void)
{
    UNUSED(xcalloc_large(enormous, 4));
}

static void arena_wrap(void)
{
    UNUSED(arena_alloc(arena_new(), enormous * 2 - 3));
}

TEST(sizes_that_overflow_end_the_process)
{
    ok(ended(wrap_round) != 0);
    ok(ended(large_wrap) != 0);
    ok(ended(arena_wrap) != 0);
}
