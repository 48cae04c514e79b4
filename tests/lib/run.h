#ifndef TESTS_LIB_RUN_H
#define TESTS_LIB_RUN_H
#include <stddef.h>
/*
 * What C tests need of the world around them. Everything here ends the test (must, see tap.h) when it
 * cannot be had; folders and servers of a test program vanish when it ends, however it ends.
 */

/* A new folder, unlike any before: under one root of this process, which is removed at exit. Static storage
 * until the next call is not given: the caller owns the result and frees it, or leaves it to the end. */
char *tmp_dir(void);
/* dir "/" name, for building paths in tests; returns owned. */
char *tmp_path(const char *dir, const char *name);
/* Writes n bytes, making the folders above. */
void put_file(const char *path, const void *p, size_t n);
void put_text(const char *path, const char *text);
/* The whole of a file, NUL-terminated; *ret_n may be NULL. Returns owned. */
char *get_file(const char *path, size_t *ret_n);

/* What a command left behind. */
struct ran {
    int status;      /* exit status, or 128 + the signal that ended it */
    char *out, *err; /* NUL-terminated, owned by the struct */
    size_t out_n, err_n;
};
/* Runs argv (NULL-terminated, looked up in PATH) to its end; in, when not NULL, is its stdin. */
void run(struct ran *ret, const char *in, const char *const argv[]);
void ran_release(struct ran *r);
/* Runs it and must see exit status 0. Returns stdout, owned. */
char *run_ok(const char *const argv[]);
#define RUN_OK(...) run_ok((const char *const[]){__VA_ARGS__, NULL})

/* The first of 100 ports in a row that are this process's until it ends. */
int free_ports(void);
/* Is the program in PATH, /usr/sbin included? */
int have_program(const char *name);
/* Leaves the test as skipped when the programs are missing; as failed where ORCH_TEST_NEED lists what. */
void need(const char *what, const char *const programs[]);
#endif
