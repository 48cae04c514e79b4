/*
 * gen-credit ROWS [seed=1] [crlf] [no-final-newline] [first=1] [bytes=N]: CSV on stdout in the shape of a public
 * credit data set: twelve columns, the first without a name (a row number), NA in about 20 % of MonthlyIncome
 * and 2.6 % of NumberOfDependents. The same arguments give the same bytes. bytes=N goes on until N bytes are
 * written, whatever ROWS says.
 *
 * Memory tests want gigabytes, so a row is put together without printf.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char header[] = ",SeriousDlqin2yrs,RevolvingUtilizationOfUnsecuredLines,age,"
                             "NumberOfTime30-59DaysPastDueNotWorse,DebtRatio,MonthlyIncome,"
                             "NumberOfOpenCreditLinesAndLoans,NumberOfTimes90DaysLate,"
                             "NumberRealEstateLoansOrLines,NumberOfTime60-89DaysPastDueNotWorse,"
                             "NumberOfDependents";

static uint64_t random_state;

/* splitmix64 */
static uint32_t random_below(uint32_t n)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(((z ^ (z >> 31)) >> 32) * n >> 32);
}

static char *put_int(char *p, uint64_t v)
{
    char digits[20];
    int n = 0;

    do
        digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    while (n > 0)
        *p++ = digits[--n];
    return p;
}

/* A number with nine decimals, as the real set has them: 0.766126609 */
static char *put_fraction(char *p, uint32_t whole, uint32_t billionth)
{
    p = put_int(p, whole);
    if (billionth == 0)
        return p;
    *p++ = '.';
    for (uint32_t unit = 100000000; unit > 0; unit /= 10)
        *p++ = (char)('0' + billionth / unit % 10);
    while (p[-1] == '0')
        p--;
    return p;
}

static char *put_na(char *p)
{
    *p++ = 'N';
    *p++ = 'A';
    return p;
}

static char *put_row(char *p, uint64_t number)
{
    p = put_int(p, number);
    *p++ = ',';
    p = put_int(p, random_below(1000) < 67);
    *p++ = ',';
    p = put_fraction(p, random_below(1000) < 22 ? 1 + random_below(5000) : 0, random_below(1000000000));
    *p++ = ',';
    p = put_int(p, 21 + random_below(80));
    *p++ = ',';
    p = put_int(p, random_below(100) < 16 ? 1 + random_below(13) : 0);
    *p++ = ',';
    p = put_fraction(p, random_below(100) < 20 ? random_below(8000) : 0, random_below(1000000000));
    *p++ = ',';
    p = random_below(1000) < 198 ? put_na(p) : put_int(p, random_below(15000));
    *p++ = ',';
    p = put_int(p, random_below(25));
    *p++ = ',';
    p = put_int(p, random_below(100) < 5 ? 1 + random_below(17) : 0);
    *p++ = ',';
    p = put_int(p, random_below(4));
    *p++ = ',';
    p = put_int(p, random_below(100) < 5 ? 1 + random_below(11) : 0);
    *p++ = ',';
    return random_below(1000) < 26 ? put_na(p) : put_int(p, random_below(6));
}

static bool flush(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(1, p, n);
        if (done <= 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

struct options {
    uint64_t rows, seed, first, bytes;
    bool crlf, no_final_newline;
};

static bool parse(int argc, char **argv, struct options *o)
{
    *o = (struct options){.seed = 1, .first = 1};
    if (argc < 2 || argv[1][0] < '0' || argv[1][0] > '9')
        return false;
    o->rows = strtoull(argv[1], NULL, 10);
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "crlf") == 0)
            o->crlf = true;
        else if (strcmp(argv[i], "no-final-newline") == 0)
            o->no_final_newline = true;
        else if (strncmp(argv[i], "seed=", 5) == 0)
            o->seed = strtoull(argv[i] + 5, NULL, 10);
        else if (strncmp(argv[i], "first=", 6) == 0)
            o->first = strtoull(argv[i] + 6, NULL, 10);
        else if (strncmp(argv[i], "bytes=", 6) == 0)
            o->bytes = strtoull(argv[i] + 6, NULL, 10);
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    enum { BLOCK = 1 << 20, LONGEST = 256 };
    static char block[BLOCK + LONGEST];
    struct options o;
    uint64_t written = 0, row = 0;
    char *p = block;

    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "gen-credit ROWS [seed=N] [crlf] [no-final-newline] [first=N] [bytes=N]\n");
        return 2;
    }
    random_state = o.seed;
    memcpy(p, header, sizeof header - 1);
    p += sizeof header - 1;
    while (o.bytes > 0 ? written + (uint64_t)(p - block) < o.bytes : row < o.rows) {
        if (o.crlf)
            *p++ = '\r';
        *p++ = '\n';
        p = put_row(p, o.first + row++);
        if (p - block >= BLOCK) {
            written += (uint64_t)(p - block);
            if (!flush(block, (size_t)(p - block)))
                return 1;
            p = block;
        }
    }
    if (!o.no_final_newline) {
        if (o.crlf)
            *p++ = '\r';
        *p++ = '\n';
    }
    return flush(block, (size_t)(p - block)) ? 0 : 1;
}
