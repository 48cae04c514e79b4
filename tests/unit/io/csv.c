#include "io/csv.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "tests/tap.h"

/* Gives `text` in pieces: `first` bytes, then `step` at a time; then, if so told, an error instead of the
 * end. */
struct pieces {
    struct reader reader;
    const char *text;
    size_t n, at, first, step;
    bool breaks;
    int64_t junk;     /* so many 'x' after the text, made on the fly */
    const char *tail; /* and this after them */
    bool closed;
};

static int pieces_read(struct reader *r, void *p, size_t n, size_t *ret_n, struct err *err)
{
    struct pieces *s = (struct pieces *)(void *)r;
    size_t want = s->at == 0 && s->first > 0 ? s->first : s->step;

    want = want < n ? want : n;
    if (s->at == s->n && s->junk > 0) {
        want = (int64_t)n < s->junk ? n : (size_t)s->junk;
        memset(p, 'x', want);
        s->junk -= (int64_t)want;
        *ret_n = want;
        return 0;
    }
    if (s->at == s->n && s->tail != NULL) {
        s->text = s->tail;
        s->n = strlen(s->tail);
        s->at = 0;
        s->first = 0;
        s->tail = NULL;
    }
    if (s->at == s->n && s->breaks)
        return err_set(err, ERR_UNAVAILABLE, "broken");
    if (want > s->n - s->at)
        want = s->n - s->at;
    memcpy(p, s->text + s->at, want);
    s->at += want;
    *ret_n = want;
    return 0;
}

static void pieces_close(struct reader *r)
{
    ((struct pieces *)(void *)r)->closed = true;
}

static struct pieces pieces_of(const char *text, size_t n, size_t first, size_t step)
{
    return (struct pieces){
        .reader = {pieces_read, pieces_close}, .text = text, .n = n, .first = first, .step = step};
}

static const struct csv_dialect plain = {.delimiter = ',', .quote = '"'};

static void render(const struct csv_record *r, struct buf *out)
{
    struct err err;

    must_rc(buf_addf(out, &err, "%lld@%lld ", (long long)r->line, (long long)r->offset), &err);
    if (r->code != CSV_GOOD)
        must_rc(buf_addf(out, &err, "%s", csv_code_name(r->code)), &err);
    for (size_t i = 0; i < r->count; i++) {
        const struct csv_field *f = &r->fields[i];
        must_rc(buf_addf(out, &err, "%s%s", i > 0 ? "|" : "", f->quoted ? "q:" : ""), &err);
        must_rc(buf_add(out, f->p, f->n, &err), &err);
    }
    must_rc(buf_addf(out, &err, " <"), &err);
    must_rc(buf_add(out, r->raw, r->raw_n, &err), &err);
    must_rc(buf_addf(out, &err, "%s>\n", r->raw_total > (int64_t)r->raw_n ? "..." : ""), &err);
}

/* Everything that a caller sees of the text. Returns owned. */
static char *read_all(const char *text, size_t n, const struct csv_dialect *d, size_t first, size_t step)
{
    struct pieces s = pieces_of(text, n, first, step);
    struct buf out = BUF_INIT(64 * MIB);
    struct csv_record r;
    struct csv_stats st;
    struct csv *c = NULL;
    struct err err;
    int rc;

    must_rc(csv_open(&s.reader, d, &c, &err), &err);
    while ((rc = csv_next(c, &r, &err)) > 0)
        render(&r, &out);
    must_rc(rc, &err);
    is_int(csv_next(c, &r, &err), 0);
    csv_stats(c, &st);
    must_rc(buf_addf(&out, &err, "records %lld bytes %lld empty %lld lf %lld crlf %lld cr %lld\n",
                     (long long)st.records, (long long)st.bytes, (long long)st.empty_lines, (long long)st.lf,
                     (long long)st.crlf, (long long)st.cr),
            &err);
    is_int(st.bytes, (int64_t)n);
    csv_close(c);
    ok(s.closed);
    return buf_take(&out);
}

/* The same records, however the bytes arrive: every split in two, and every small block size. */
static char *read_every_way(const char *text, size_t n, const struct csv_dialect *d)
{
    char *whole = read_all(text, n, d, 0, n + 1);

    for (size_t first = 1; first < n && first < 400; first++) {
        char *split = read_all(text, n, d, first, n + 1);
        if (strcmp(split, whole) != 0)
            diag("split after %zu bytes", first);
        is_str(split, whole);
        free(split);
    }
    for (size_t step = 1; step <= 7; step++) {
        char *small = read_all(text, n, d, 0, step);
        is_str(small, whole);
        free(small);
    }
    return whole;
}

static void reads(const char *text, const struct csv_dialect *d, const char *want)
{
    char *got = read_every_way(text, strlen(text), d);
    char *stats = strstr(got, "records ");

    must(stats != NULL);
    *stats = '\0';
    is_str(got, want);
    free(got);
}

TEST(lines_end_with_lf_crlf_cr_or_the_file)
{
    reads("a,b\n1,2\n", &plain, "1@0 a|b <a,b>\n2@4 1|2 <1,2>\n");
    reads("a,b\r\n1,2\r\n", &plain, "1@0 a|b <a,b>\n2@5 1|2 <1,2>\n");
    reads("a,b\r1,2\r", &plain, "1@0 a|b <a,b>\n2@4 1|2 <1,2>\n");
    reads("a,b\r\n1,2\n3,4\r5,6", &plain, "1@0 a|b <a,b>\n2@5 1|2 <1,2>\n3@9 3|4 <3,4>\n4@13 5|6 <5,6>\n");
    reads("", &plain, "");
    reads("\n\r\n\r", &plain, "");
}

TEST(line_ends_are_counted_by_kind)
{
    char *got = read_every_way("a,b\r\n\n\"x\ny\",2\n3,4\r5,6", 21, &plain);

    is_str(strstr(got, "records "), "records 4 bytes 21 empty 1 lf 2 crlf 1 cr 1\n");
    free(got);
}

TEST(a_quoted_field_holds_newlines_delimiters_and_doubled_quotes)
{
    reads("id,t\n1,\"a\nb\r\nc\rd\"\n2,\"say \"\"so\"\", ok\"\n3,\"\"\n4,\n", &plain,
          "1@0 id|t <id,t>\n2@5 1|q:a\nb\r\nc\rd <1,\"a\nb\r\nc\rd\">\n"
          "6@18 2|q:say \"so\", ok <2,\"say \"\"so\"\", ok\">\n7@37 3|q: <3,\"\">\n8@42 4| <4,>\n");
    reads("\"\"\"\",\"\"\"\"\"\"", &plain, "1@0 q:\"|q:\"\" <\"\"\"\",\"\"\"\"\"\">\n");
}

TEST(whether_a_field_was_quoted_is_kept)
{
    reads("NA,\"NA\",,\"\"\n", &plain, "1@0 NA|q:NA||q: <NA,\"NA\",,\"\">\n");
}

TEST(a_bom_is_cut)
{
    reads("\xef\xbb\xbf"
          "a,b\n1,2\n",
          &plain, "1@3 a|b <a,b>\n2@7 1|2 <1,2>\n");
    reads("\xef\xbb\xbf\"a\",b\n", &plain, "1@3 q:a|b <\"a\",b>\n");
    reads("\xef\xbb\xbf", &plain, "");
}

TEST(utf16_is_refused_in_words)
{
    static const struct {
        const char *text;
        size_t n;
        const char *say;
    } cases[] = {
        {"\xff\xfe"
         "a\0,\0b\0\n\0",
         10, "UTF-16LE"},
        {"\xfe\xff\0a\0,\0b\0\n", 10, "UTF-16BE"},
        {"a\0,\0b\0\n\0", 8, "UTF-16LE"},
        {"\0a\0,\0b\0\n", 8, "UTF-16BE"},
        {"\xff\xfe\0\0a\0\0\0", 8, "UTF-32"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pieces s = pieces_of(cases[i].text, cases[i].n, 0, 1);
        struct csv_record r;
        struct csv *c = NULL;
        struct err err;
        must_rc(csv_open(&s.reader, &plain, &c, &err), &err);
        fails(csv_next(c, &r, &err), &err, ERR_BAD_ENCODING);
        ok(strstr(err.msg, cases[i].say) != NULL);
        ok(strstr(err.hint, "iconv") != NULL);
        csv_close(c);
    }
}

TEST(an_empty_line_is_a_field_only_in_a_file_of_one_column)
{
    reads("a,b\n\n1,2\n\n", &plain, "1@0 a|b <a,b>\n3@5 1|2 <1,2>\n");
    reads("a\n\n1\n\n", &plain, "1@0 a <a>\n2@2  <>\n3@3 1 <1>\n4@5  <>\n");
    reads("\na\n\"\"\n", &plain, "2@1 a <a>\n3@3 q: <\"\">\n");
}

TEST(one_stray_quote_costs_one_line)
{
    reads("a,b\n1,x\"y\n2,z\n", &plain, "1@0 a|b <a,b>\n2@4 BAD_QUOTE <1,x\"y>\n3@10 2|z <2,z>\n");
    reads("a,b\n1,\"x\"y\r\n2,z\n", &plain, "1@0 a|b <a,b>\n2@4 BAD_QUOTE <1,\"x\"y>\n3@12 2|z <2,z>\n");
    /* never closed: the lines that it would have swallowed are records */
    reads("a,b\n1,\"x\n2,z\n3,w\n", &plain,
          "1@0 a|b <a,b>\n2@4 BAD_QUOTE <1,\"x>\n3@9 2|z <2,z>\n4@13 3|w <3,w>\n");
    reads("a,b\n1,\"x", &plain, "1@0 a|b <a,b>\n2@4 BAD_QUOTE <1,\"x>\n");
    /* closed by the quote of a later line */
    reads("a,b\n1,\"x\n2,\"z\"\n3,w\n", &plain,
          "1@0 a|b <a,b>\n2@4 BAD_QUOTE <1,\"x>\n3@9 2|q:z <2,\"z\">\n4@15 3|w <3,w>\n");
}

TEST(a_nul_byte_spoils_its_record_only)
{
    char *got = read_every_way("a,b\n1,\0\n2,z\n", 12, &plain);

    ok(strstr(got, "2@4 NUL_BYTE <1,") != NULL);
    free(got);
    struct pieces s = pieces_of("a,b\n1,\0x\n2,z\n", 13, 0, 99);
    struct csv_record r;
    struct csv *c = NULL;
    struct err err;
    must_rc(csv_open(&s.reader, &plain, &c, &err), &err);
    is_int(csv_next(c, &r, &err), 1);
    is_int(csv_next(c, &r, &err), 1);
    is_int(r.code, CSV_NUL_BYTE);
    is_mem(r.raw, r.raw_n, "1,\0x", 4);
    is_int(csv_next(c, &r, &err), 1);
    is_int(r.code, CSV_GOOD);
    is_mem(r.fields[1].p, r.fields[1].n, "z", 1);
    csv_close(c);
}

TEST(encodings)
{
    struct csv_dialect latin1 = plain, cp1252 = plain;

    latin1.encoding = CSV_LATIN1;
    cp1252.encoding = CSV_CP1252;
    reads("a,b\n1,\xc3\xa9\n2,\xe9\n3,z\n", &plain,
          "1@0 a|b <a,b>\n2@4 1|\xc3\xa9 <1,\xc3\xa9>\n3@9 BAD_UTF8 <2,\xe9>\n4@13 3|z <3,z>\n");
    reads("1,\xe9,\"\xe9\"\"\xff\"\n", &latin1,
          "1@0 1|\xc3\xa9|q:\xc3\xa9\"\xc3\xbf <1,\xe9,\"\xe9\"\"\xff\">\n");
    reads("\x80,\x9f,\xe4\n1,\x81,2\n", &cp1252,
          "1@0 \xe2\x82\xac|\xc5\xb8|\xc3\xa4 <\x80,\x9f,\xe4>\n2@6 BAD_ENCODING <1,\x81,2>\n");
    reads("\x80\n", &latin1, "1@0 \xc2\x80 <\x80>\n");
}

TEST(dialects)
{
    static const struct csv_dialect semicolon = {.delimiter = ';', .quote = '\''}, tab = {.delimiter = '\t'},
                                    escape = {.delimiter = ',', .quote = '"', .escape = '\\'};

    reads("a;'b;''c'\n1,5;2\n", &semicolon, "1@0 a|q:b;'c <a;'b;''c'>\n2@10 1,5|2 <1,5;2>\n");
    reads("a\t\"b\n1\t2\n", &tab, "1@0 a|\"b <a\t\"b>\n2@5 1|2 <1\t2>\n");
    reads("a\\,b,\"c\\\"d\\\\\"\nx,\\\ny\n", &escape,
          "1@0 a,b|q:c\"d\\ <a\\,b,\"c\\\"d\\\\\">\n2@14 x|\ny <x,\\\ny>\n");
    /* without an escape character, a backslash is a backslash: C:\new\table */
    reads("\"C:\\new\\\",2\n", &plain, "1@0 q:C:\\new\\|2 <\"C:\\new\\\",2>\n");
}

TEST(a_dialect_that_cannot_be_is_refused)
{
    static const struct csv_dialect bad[] = {{.delimiter = '\n', .quote = '"'},
                                             {.delimiter = '"', .quote = '"'},
                                             {.quote = '"'},
                                             {.delimiter = '\xa7'}};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct pieces s = pieces_of("", 0, 0, 1);
        struct csv *c = NULL;
        struct err err;
        fails(csv_open(&s.reader, &bad[i], &c, &err), &err, ERR_CONFIG);
        ok(s.closed);
    }
}

TEST(a_record_longer_than_allowed_is_cut_and_passed_over)
{
    struct csv_dialect tiny = plain;

    tiny.max_record = 6;
    reads("12,456\n12,4567\n1,\"234\"\n1,2\n", &tiny,
          "1@0 12|456 <12,456>\n2@7 RECORD_TOO_LARGE <12,456...>\n3@15 RECORD_TOO_LARGE <1,\"234...>\n4@23 "
          "1|2 <1,2>\n");
    reads("12,456\r\n12,45678\r\n1,2\r\n12,45678", &tiny,
          "1@0 12|456 <12,456>\n2@8 RECORD_TOO_LARGE <12,456...>\n3@18 1|2 <1,2>\n4@23 RECORD_TOO_LARGE "
          "<12,456...>\n");
    /* a quoted field that runs past it with a newline inside: its quote is taken as never closed */
    reads("1,\"2\n345\"\n6,7\n", &tiny, "1@0 BAD_QUOTE <1,\"2>\n2@5 BAD_QUOTE <345\">\n3@10 6|7 <6,7>\n");
}

TEST(a_line_of_100_mb_is_bounded_in_memory_and_summed)
{
    const int64_t junk = 100 * 1000 * 1000;
    struct pieces s = pieces_of("a,b\n1,", 6, 0, 1 << 20);
    struct csv_record r;
    struct csv *c = NULL;
    struct err err;
    unsigned char want[SHA256_SIZE];
    struct sha256 *sum = sha256_new();

    s.junk = junk;
    s.tail = ",\r\n2,z\n";
    sha256_add(sum, "1,", 2);
    for (int i = 0; i < 100000; i++) {
        char block[1000];
        memset(block, 'x', sizeof block);
        sha256_add(sum, block, sizeof block);
    }
    sha256_add(sum, ",", 1);
    sha256_end(sum, want);
    sha256_free(sum);
    must_rc(csv_open(&s.reader, &plain, &c, &err), &err);
    is_int(csv_next(c, &r, &err), 1);
    is_int(csv_next(c, &r, &err), 1);
    is_int(r.code, CSV_RECORD_TOO_LARGE);
    is_int(r.raw_n, MAX_RECORD);
    is_int(r.raw_total, junk + 3);
    is_mem(r.raw_sha256, sizeof r.raw_sha256, want, sizeof want);
    is_mem(r.raw, 4, "1,xx", 4);
    is_int(csv_next(c, &r, &err), 1);
    is_int(r.code, CSV_GOOD);
    is_int(r.line, 3);
    is_int(r.offset, 4 + junk + 3 + 2);
    is_mem(r.fields[1].p, r.fields[1].n, "z", 1);
    is_int(csv_next(c, &r, &err), 0);
    csv_close(c);
}

TEST(a_long_rejected_record_carries_the_sum_of_all_its_bytes)
{
    size_t n = MAX_REJECT_RAW + 1000;
    char *text = xmalloc(n + 1);
    struct csv_record r;
    struct csv *c = NULL;
    struct err err;
    unsigned char want[SHA256_SIZE];

    memset(text, 'y', n);
    text[5] = '"';
    text[n] = '\n';
    sha256_of(text, n, want);
    struct pieces s = pieces_of(text, n + 1, 0, 4096);
    must_rc(csv_open(&s.reader, &plain, &c, &err), &err);
    is_int(csv_next(c, &r, &err), 1);
    is_int(r.code, CSV_BAD_QUOTE);
    is_int(r.raw_n, n);
    is_mem(r.raw_sha256, sizeof r.raw_sha256, want, sizeof want);
    csv_close(c);
    free(text);
}

TEST(a_record_may_span_many_blocks)
{
    size_t n = 3 * MIB;
    char *text = xmalloc(n + 16);
    struct csv_record r;
    struct csv *c = NULL;
    struct err err;

    memcpy(text, "1,\"", 3);
    memset(text + 3, '\n', n);
    memcpy(text + 3 + n, "\",2\n3,4,5\n", 10);
    struct pieces s = pieces_of(text, n + 13, 0, 100000);
    must_rc(csv_open(&s.reader, &plain, &c, &err), &err);
    is_int(csv_next(c, &r, &err), 1);
    is_int(r.count, 3);
    is_int(r.fields[1].n, n);
    is_int(csv_next(c, &r, &err), 1);
    is_int(r.line, (int64_t)n + 2);
    is_int(r.offset, (int64_t)n + 7);
    csv_close(c);
    free(text);
}

TEST(fields_beyond_the_widest_table_are_not_kept)
{
    size_t n = 10000;
    char *text = xmalloc(n + 1);
    struct csv_record r;
    struct csv *c = NULL;
    struct err err;

    memset(text, ',', n);
    text[n] = '\n';
    struct pieces s = pieces_of(text, n + 1, 0, n + 1);
    must_rc(csv_open(&s.reader, &plain, &c, &err), &err);
    is_int(csv_next(c, &r, &err), 1);
    is_int(r.count, MAX_COLUMNS + 1);
    is_int(r.raw_n, n);
    csv_close(c);
    free(text);
}

TEST(a_broken_read_is_no_end_of_file)
{
    struct pieces s = pieces_of("a,b\n1,2\n3,", 10, 0, 4);
    struct csv_record r;
    struct csv *c = NULL;
    struct err err;
    int rc;

    s.breaks = true;
    must_rc(csv_open(&s.reader, &plain, &c, &err), &err);
    while ((rc = csv_next(c, &r, &err)) > 0)
        ok(r.line < 3);
    is_int(rc, -ERR_UNAVAILABLE);
    csv_close(c);
}

TEST(ten_thousand_random_files_read_the_same_in_any_pieces)
{
    static const char alphabet[] = ",,\"\"\n\n\r\ra1\xc3\xa9 x";
    uint64_t seed = 20220605;

    for (int i = 0; i < 10000; i++) {
        char text[64];
        struct csv_dialect d = plain;
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t n = seed >> 58;
        for (size_t k = 0; k < n; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            text[k] = alphabet[(seed >> 40) % (sizeof alphabet - 1)];
        }
        d.max_record = i % 3 == 0 ? 9 : 0;
        d.escape = i % 5 == 0 ? 'x' : 0;
        char *whole = read_all(text, n, &d, 0, n + 1);
        for (size_t step = 1; step <= 3; step++) {
            char *small = read_all(text, n, &d, 0, step);
            must(strcmp(small, whole) == 0);
            free(small);
        }
        free(whole);
    }
}

/* Records of 1 to 40 fields of 0 to 89 bytes, `quoted` in 100 of them quoted. Returns how many fields were misread. */
static size_t misread(unsigned quoted, size_t step)
{
    static char text[1 << 20], fields[20000][96];
    static bool was_quoted[20000];
    size_t n = 0, count = 0, at = 0, wrong = 0, ends[2000], records = 0;
    struct csv_record rec;
    struct csv *csv;
    struct err err;
    uint64_t r = quoted + 1;
    int rc;

    while (n + 5000 < sizeof text && count + 50 < ARRAY_LEN(fields)) {
        r = r * UINT64_C(6364136223846793005) + 1442695040888963407u;
        for (unsigned k = 0, last = r >> 33 & 1 ? 1 : (unsigned)(r >> 40) % 40; k <= last; k++) {
            r = r * UINT64_C(6364136223846793005) + 1442695040888963407u;
            int width = r >> 30 & 1 ? 3 : (int)(r >> 35) % 90;
            snprintf(fields[count], sizeof fields[0], "%0*d", width, (int)(k + 1));
            was_quoted[count] = (r >> 50) % 100 < quoted;
            n += (size_t)snprintf(text + n, sizeof text - n, was_quoted[count] ? "%s\"%s\"" : "%s%s",
                                  k > 0 ? "," : "", fields[count]);
            count++;
        }
        n += (size_t)snprintf(text + n, sizeof text - n, "%s",
                              (const char *[]){"\n", "\n", "\r\n", "\r"}[r >> 60 & 3]);
        ends[records++] = count;
    }
    struct pieces s = pieces_of(text, n, 0, step);
    must_rc(csv_open(&s.reader, &plain, &csv, &err), &err);
    for (size_t k = 0; (rc = csv_next(csv, &rec, &err)) > 0; k++) {
        wrong += rec.code != CSV_GOOD || rec.line != (int64_t)k + 1 || at + rec.count != ends[k];
        for (size_t i = 0; i < rec.count && at < count; i++, at++)
            wrong += rec.fields[i].quoted != was_quoted[at] || rec.fields[i].n != strlen(fields[at]) ||
                     memcmp(rec.fields[i].p, fields[at], rec.fields[i].n) != 0;
    }
    must_rc(rc, &err);
    wrong += count - at;
    csv_close(csv);
    return wrong;
}

TEST(records_of_any_length_with_and_without_quotes)
{
    for (unsigned quoted = 0; quoted <= 100; quoted = 3 * quoted + 1) {
        is_int(misread(quoted, 1 << 16), 0);
        is_int(misread(quoted, 777), 0);
    }
}
