/*
 * schedule_next CASES COUNT: that many calls of cronexpr_next, over the expressions and zones of tests/cron/cases.txt in
 * turn, each from where its last one ended. Prints microseconds a call: the mean, and the slowest expression's own.
 */
#include "base/civil.h"
#include "cron/cronexpr.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_CASES = 2000 };

struct one {
    struct cronexpr c;
    const struct cron_zone *zone;
    int64_t from_ms, at_ms;
    char text[200];
};

static struct one all[MAX_CASES];

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static size_t read_cases(FILE *f)
{
    char line[4096], zone[100], from[40];
    struct err err;
    size_t n = 0;

    while (fgets(line, sizeof line, f) != NULL && n < MAX_CASES) {
        struct one *o = &all[n];
        if (line[0] == '#' || sscanf(line, "%199[^|] | %99s | %39s |", o->text, zone, from) != 3)
            continue;
        for (size_t end = strlen(o->text); end > 0 && o->text[end - 1] == ' ';)
            o->text[--end] = '\0';
        if (cronexpr_parse(o->text, &o->c, &err) < 0 || cron_zone_find(zone, &o->zone, &err) < 0 ||
            civil_parse_rfc3339(from, &o->from_ms, &err) < 0) {
            fprintf(stderr, "%s\n", err.msg);
            exit(1);
        }
        o->at_ms = o->from_ms;
        n++;
    }
    return n;
}

static void step(struct one *o)
{
    if (cronexpr_next(&o->c, o->zone, o->from_ms, o->at_ms, &o->at_ms) != 1)
        o->at_ms = o->from_ms;
}

int main(int argc, char **argv)
{
    FILE *f = argc == 3 ? fopen(argv[1], "r") : NULL;
    size_t n = f != NULL ? read_cases(f) : 0, slowest = 0;
    long count = n > 0 ? strtol(argv[2], NULL, 10) : 0;
    double worst = 0;

    if (count <= 0)
        return 1;
    double began = now_us();
    for (long i = 0; i < count; i++)
        step(&all[(size_t)i % n]);
    double mean = (now_us() - began) / (double)count;
    for (size_t i = 0; i < n; i++) {
        began = now_us();
        for (int k = 0; k < 2000; k++)
            step(&all[i]);
        double each = (now_us() - began) / 2000;
        if (each > worst) {
            worst = each;
            slowest = i;
        }
    }
    printf("%.3f %.3f %s\n", mean, worst, all[slowest].text);
    fclose(f);
    return 0;
}
