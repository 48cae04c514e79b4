/*
 * rows WAY CONNECTIONS BATCH FILE PORT [USER PASSWORD TABLE | PATH]: rows of the credit shape into a table, as fast as the way allows.
 * Everything is made ready before the clock starts; the seconds from the first request to the last answer go to stdout.
 *
 *     direct     a connection a thread, an array-bound INSERT of BATCH rows and a COMMIT at a time: the yardstick
 *     csv, json  a connection a thread, a POST of BATCH rows at a time, kept alive
 */
#include <arpa/inet.h>
#include <mysql.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { COLUMNS = 12, MAX_CONNECTIONS = 256, ANSWER = 1 << 20 };
static const char *const names[COLUMNS] = {"id",
                                           "SeriousDlqin2yrs",
                                           "RevolvingUtilizationOfUnsecuredLines",
                                           "age",
                                           "NumberOfTime30-59DaysPastDueNotWorse",
                                           "DebtRatio",
                                           "MonthlyIncome",
                                           "NumberOfOpenCreditLinesAndLoans",
                                           "NumberOfTimes90DaysLate",
                                           "NumberRealEstateLoansOrLines",
                                           "NumberOfTime60-89DaysPastDueNotWorse",
                                           "NumberOfDependents"};
static const int is_double[COLUMNS] = {[2] = 1, [5] = 1};

static char **lines;
static size_t line_count, batch, connections;
static int port;
static const char *way, *user, *password, *table, *path;
static pthread_barrier_t ready;

static void die(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void read_lines(const char *name)
{
    FILE *f = fopen(name, "r");
    char line[4096];
    size_t room = 0;

    if (f == NULL || fgets(line, sizeof line, f) == NULL)
        die("%s", name);
    while (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line_count == room)
            lines = realloc(lines, (room = room * 2 + 1024) * sizeof *lines);
        lines[line_count++] = strdup(line);
    }
    fclose(f);
}

/* Cells of a line, cut in a copy. */
static void cut(const char *line, char copy[4096], char *cells[COLUMNS])
{
    char *p = strcpy(copy, line);

    for (int i = 0; i < COLUMNS; i++) {
        cells[i] = p;
        p += strcspn(p, ",");
        if (*p != '\0')
            *p++ = '\0';
    }
}

/* --- direct */

struct columns {
    int32_t ints[COLUMNS][1000];
    double doubles[COLUMNS][1000];
    char nulls[COLUMNS][1000];
    unsigned n;
};

static void *direct(void *arg)
{
    size_t k = (size_t)arg, from = line_count * k / connections, to = line_count * (k + 1) / connections;
    size_t count = (to - from + batch - 1) / batch;
    struct columns *all = calloc(count, sizeof *all);
    MYSQL *db = mysql_init(NULL);
    char copy[4096], *cells[COLUMNS], sql[200];

    for (size_t i = from; i < to; i++) {
        struct columns *c = &all[(i - from) / batch];
        cut(lines[i], copy, cells);
        for (int j = 0; j < COLUMNS; j++) {
            c->nulls[j][c->n] = strcmp(cells[j], "NA") == 0 ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE;
            if (is_double[j])
                c->doubles[j][c->n] = strtod(cells[j], NULL);
            else
                c->ints[j][c->n] = (int32_t)strtol(cells[j], NULL, 10);
        }
        c->n++;
    }
    if (mysql_real_connect(db, "127.0.0.1", user, password, "w", (unsigned)port, NULL, 0) == NULL)
        die("%s", mysql_error(db));
    mysql_autocommit(db, 0);
    MYSQL_STMT *st = mysql_stmt_init(db);
    snprintf(sql, sizeof sql, "INSERT INTO %s VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", table);
    if (mysql_stmt_prepare(st, sql, strlen(sql)) != 0)
        die("%s", mysql_stmt_error(st));
    pthread_barrier_wait(&ready);
    for (size_t b = 0; b < count; b++) {
        MYSQL_BIND binds[COLUMNS] = {0};
        for (int j = 0; j < COLUMNS; j++) {
            binds[j].buffer_type = is_double[j] ? MYSQL_TYPE_DOUBLE : MYSQL_TYPE_LONG;
            binds[j].buffer = is_double[j] ? (void *)all[b].doubles[j] : all[b].ints[j];
            binds[j].u.indicator = all[b].nulls[j];
        }
        mysql_stmt_attr_set(st, STMT_ATTR_ARRAY_SIZE, &all[b].n);
        if (mysql_stmt_bind_param(st, binds) != 0 || mysql_stmt_execute(st) != 0)
            die("%s", mysql_stmt_error(st));
        if (mysql_commit(db) != 0)
            die("%s", mysql_error(db));
    }
    pthread_barrier_wait(&ready);
    mysql_stmt_close(st);
    mysql_close(db);
    return NULL;
}

/* --- HTTP */

struct request {
    char *p;
    size_t n;
};

static void body_row(FILE *f, const char *line, int json, int first)
{
    char copy[4096], *cells[COLUMNS];

    if (!json) {
        fprintf(f, "%s\n", line);
        return;
    }
    cut(line, copy, cells);
    fputs(first ? "[" : ",", f);
    for (int j = 0; j < COLUMNS; j++)
        fprintf(f, "%s\"%s\":%s", j > 0 ? "," : "{", names[j],
                strcmp(cells[j], "NA") == 0 ? "null" : cells[j]);
    fputs("}", f);
}

static struct request request_of(size_t from, size_t to, int json, int keys)
{
    struct request r = {0};
    char *body = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&body, &n);

    for (size_t i = from; i < to; i++)
        body_row(f, lines[i], json, i == from);
    if (json)
        fputs("]", f);
    fclose(f);
    f = open_memstream(&r.p, &r.n);
    fprintf(f, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %zu\r\n", path,
            json ? "application/json" : "text/csv", n);
    if (keys)
        fprintf(f, "Idempotency-Key: %ld-%zu-%lld\r\n", (long)getpid(), from, (long long)time(NULL));
    fputs("\r\n", f);
    fwrite(body, 1, n, f);
    fclose(f);
    free(body);
    return r;
}

static void answer(int fd, char *in)
{
    size_t have = 0, want = 0;

    while (want == 0 || have < want) {
        ssize_t n = read(fd, in + have, ANSWER - 1 - have);
        if (n <= 0)
            die("the server hung up");
        have += (size_t)n;
        in[have] = '\0';
        char *end = want == 0 ? strstr(in, "\r\n\r\n") : NULL, *length = strcasestr(in, "content-length: ");
        if (end != NULL) {
            if (length == NULL || length > end)
                die("an answer without Content-Length");
            want = (size_t)(end + 4 - in) + strtoul(length + 16, NULL, 10);
        }
    }
    if (strncmp(in, "HTTP/1.1 201", 12) != 0)
        die("%.600s", in);
}

static void *over_http(void *arg)
{
    size_t k = (size_t)arg, from = line_count * k / connections, to = line_count * (k + 1) / connections;
    size_t count = (to - from + batch - 1) / batch;
    struct request *all = calloc(count, sizeof *all);
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1, json = strncmp(way, "json", 4) == 0,
        keys = strstr(way, "-key") != NULL;
    char *in = malloc(ANSWER);

    for (size_t b = 0; b < count; b++)
        all[b] = request_of(from + b * batch, from + (b + 1) * batch < to ? from + (b + 1) * batch : to, json,
                            keys);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
        die("connect");
    pthread_barrier_wait(&ready);
    for (size_t b = 0; b < count; b++) {
        for (size_t sent = 0; sent < all[b].n;) {
            ssize_t n = write(fd, all[b].p + sent, all[b].n - sent);
            if (n <= 0)
                die("write");
            sent += (size_t)n;
        }
        answer(fd, in);
    }
    pthread_barrier_wait(&ready);
    close(fd);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[MAX_CONNECTIONS];

    if (argc < 7)
        die("usage: rows direct|csv|json|csv-key|json-key CONNECTIONS BATCH FILE PORT USER PASSWORD TABLE | "
            "PATH");
    way = argv[1];
    connections = strtoul(argv[2], NULL, 10);
    batch = strtoul(argv[3], NULL, 10);
    port = atoi(argv[5]);
    path = user = argv[6];
    if (strcmp(way, "direct") == 0 && argc == 9) {
        password = argv[7];
        table = argv[8];
    }
    read_lines(argv[4]);
    if (connections == 0 || connections > MAX_CONNECTIONS || batch == 0 || batch > 1000)
        die("connections or batch");
    mysql_library_init(0, NULL, NULL);
    pthread_barrier_init(&ready, NULL, (unsigned)connections + 1);
    for (size_t k = 0; k < connections; k++)
        pthread_create(&threads[k], NULL, password != NULL ? direct : over_http, (void *)k);
    pthread_barrier_wait(&ready);
    double began = now();
    pthread_barrier_wait(&ready);
    printf("%.6f\n", now() - began);
    for (size_t k = 0; k < connections; k++)
        pthread_join(threads[k], NULL);
    return 0;
}
