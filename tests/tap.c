#include "tests/tap.h"
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

enum { MAX_TESTS = 1000 };

static struct {
    const char *name, *file;
    tap_fn *fn;
    int line;
} tests[MAX_TESTS];
static int count, planned, done;
static bool failed;
static int skips;
static char skipped[256];
static jmp_buf leave;

void tap_register(const char *name, tap_fn *fn, const char *file, int line)
{
    if (count == MAX_TESTS)
        abort();
    tests[count].name = name;
    tests[count].fn = fn;
    tests[count].file = file;
    tests[count++].line = line;
}

void tap_diag(const char *fmt, ...)
{
    char text[4096];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *line = text, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        fprintf(stderr, "# %s\n", line);
    }
}

bool tap_ok(bool cond, const char *file, int line, const char *text)
{
    if (!cond) {
        failed = true;
        tap_diag("%s:%d: failed: %s", file, line, text);
    }
    return cond;
}

bool tap_is_int(int64_t got, int64_t want, const char *file, int line, const char *text)
{
    if (!tap_ok(got == want, file, line, text)) {
        tap_diag("   got: %lld\n  want: %lld", (long long)got, (long long)want);
        return false;
    }
    return true;
}

bool tap_is_str(const char *got, const char *want, const char *file, int line, const char *text)
{
    bool same = got == want || (got != NULL && want != NULL && strcmp(got, want) == 0);

    if (!tap_ok(same, file, line, text))
        tap_diag("   got: %s\n  want: %s", got ? got : "(null)", want ? want : "(null)");
    return same;
}

bool tap_is_mem(const void *got, size_t got_n, const void *want, size_t want_n, const char *file, int line,
                const char *text)
{
    bool same = got_n == want_n && (got_n == 0 || memcmp(got, want, got_n) == 0);

    if (!tap_ok(same, file, line, text))
        tap_diag("   got: %zu bytes '%.*s'\n  want: %zu bytes '%.*s'", got_n, (int)got_n, (const char *)got,
                 want_n, (int)want_n, (const char *)want);
    return same;
}

void tap_rc(int rc, const struct err *err, const char *file, int line, const char *text)
{
    if (rc >= 0)
        return;
    tap_ok(false, file, line, text);
    tap_diag("   %s: %s (hint: %s)", err_name(err->code), err->msg, err->hint);
    tap_leave();
}

void tap_leave(void)
{
    longjmp(leave, 1);
}

void tap_skip(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(skipped, sizeof skipped, fmt, ap);
    va_end(ap);
    longjmp(leave, 1);
}

/* Alone, so that no local lives across setjmp. */
static void run_one(tap_fn *fn)
{
    if (setjmp(leave) == 0)
        fn();
}

static void guard(void)
{
    if (done < planned) { /* somebody called exit(0) in a test */
        fflush(stdout);
        _exit(255);
    }
    /* Who skips has freed nothing: no word about leaks where nothing was tested. */
    if (skips > 0 && skips == planned) {
        fflush(stdout);
        _exit(0);
    }
}

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc == 1;
}

int main(int argc, char **argv)
{
    int bad = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (int i = 0; i < count; i++)
            printf("%s\n", tests[i].name);
        return 0;
    }
    for (int i = 0; i < count; i++)
        planned += wanted(tests[i].name, argc, argv);
    atexit(guard);
    printf("1..%d\n", planned);
    for (int i = 0; i < count; i++) {
        if (!wanted(tests[i].name, argc, argv))
            continue;
        failed = false;
        skipped[0] = '\0';
        run_one(tests[i].fn);
        bad += failed;
        skips += skipped[0] != '\0';
        printf("%sok %d - %s%s%s\n", failed ? "not " : "", ++done, tests[i].name,
               skipped[0] ? " # SKIP " : "", skipped);
        if (failed)
            tap_diag("in %s (%s:%d)", tests[i].name, tests[i].file, tests[i].line);
    }
    if (skips == planned)
        printf("# all %d tests skipped\n", planned);
    return planned == 0 || bad > 0;
}
