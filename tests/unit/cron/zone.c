#include "cron/zone.h"
#include "base/buf.h"
#include "base/civil.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/tap.h"

static int64_t at(const char *rfc3339)
{
    struct err err;
    int64_t ms = 0;

    must_rc(civil_parse_rfc3339(rfc3339, &ms, &err), &err);
    return ms;
}

static const struct cron_zone *zone(const char *name)
{
    const struct cron_zone *z;
    struct err err;

    must_rc(cron_zone_find(name, &z, &err), &err);
    return z;
}

TEST(offsets_of_places)
{
    static const struct {
        const char *name, *when;
        int seconds;
    } known[] = {
        {"Europe/Berlin", "2026-03-29T00:59:59Z", 3600},
        {"Europe/Berlin", "2026-03-29T01:00:00Z", 7200},
        {"Europe/Berlin", "2026-10-25T00:59:59Z", 7200},
        {"Europe/Berlin", "2026-10-25T01:00:00Z", 3600},
        {"Europe/Berlin", "2198-07-01T00:00:00Z", 7200}, /* by the rule behind the last change */
        {"America/New_York", "2150-12-01T00:00:00Z", -18000},
        {"Australia/Sydney", "2101-01-15T00:00:00Z", 39600},
        {"Australia/Lord_Howe", "2026-07-01T00:00:00Z", 37800},
        {"Europe/Dublin", "2026-07-01T00:00:00Z", 3600},
        {"Europe/Dublin", "2090-01-01T00:00:00Z", 0},
        {"Asia/Kathmandu", "2026-01-01T00:00:00Z", 20700},
        {"Africa/Monrovia", "1971-01-01T00:00:00Z", -2670},
        {"Pacific/Apia", "2011-12-30T09:59:59Z", -36000},
        {"Pacific/Apia", "2011-12-30T10:00:00Z", 50400},
        {"Etc/GMT+5", "2026-01-01T00:00:00Z", -18000},
        {"Etc/UTC", "2026-01-01T00:00:00Z", 0},
        {"UTC", "2026-01-01T00:00:00Z", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (!is_int(cron_zone_offset(zone(known[i].name), at(known[i].when)), known[i].seconds))
            diag("%s at %s", known[i].name, known[i].when);
}

TEST(utc_needs_no_file_and_a_zone_is_read_once)
{
    ok(zone("UTC") == NULL);
    ok(zone("Asia/Tokyo") == zone("Asia/Tokyo"));
    is_str(cron_zone_name(NULL), "UTC");
    cron_zone_free(NULL);
}

TEST(changes_come_in_order)
{
    struct cron_change k;

    is_int(cron_zone_change(zone("Europe/Berlin"), at("2026-01-01T00:00:00Z"), &k), 1);
    is_int(k.at_ms, at("2026-03-29T01:00:00Z"));
    is_int(k.before, 3600);
    is_int(k.after, 7200);
    is_int(cron_zone_change(zone("Europe/Berlin"), k.at_ms, &k), 1);
    is_int(k.at_ms, at("2026-10-25T01:00:00Z"));
    is_int(cron_zone_change(zone("Asia/Tokyo"), at("2026-01-01T00:00:00Z"), &k), 0);
    is_int(cron_zone_change(NULL, 0, &k), 0);
}

TEST(names_that_are_none)
{
    static const char *const bad[] = {"",
                                      "/etc/localtime",
                                      "../../../etc/passwd",
                                      "Europe/../UTC",
                                      "Europe",
                                      "Europe/Atlantis",
                                      "europe/berlin",
                                      "tzdata.zi",
                                      "Europe/Berlin/",
                                      "UTC\n",
                                      "right/UTC",
                                      "Mars Base"};
    const struct cron_zone *z;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        fails(cron_zone_find(bad[i], &z, &err), &err, ERR_CONFIG);
}

TEST(letter_case_is_set_right_by_the_hint)
{
    static const char *const known[][2] = {
        {"europe/berlin", "it is written Europe/Berlin"},
        {"AMERICA/argentina/BUENOS_AIRES", "it is written America/Argentina/Buenos_Aires"},
        {"utc", "it is written UTC"},
        {"europe/atlantis", "names are as in the IANA database"},
        {"Europe//Berlin", "names are as in the IANA database: UTC"}};
    const struct cron_zone *z;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        fails(cron_zone_find(known[i][0], &z, &err), &err, ERR_CONFIG);
        if (!ok(str_starts(err.hint, known[i][1])))
            diag("%s: %s", known[i][0], err.hint);
    }
}

/* A file with no change at all, and a rule. */
static int parse_rule(const char *rule, int first_offset, struct cron_zone **ret, struct err *err)
{
    unsigned char file[300] = {0};
    size_t n = 0;

    for (int block = 0; block < 2; block++) {
        memcpy(file + n, "TZif2", 5);
        file[n + 39] = 1; /* types */
        file[n + 43] = 4; /* chars */
        for (int i = 0; i < 4; i++)
            file[n + 44 + (size_t)i] = (unsigned char)((unsigned)first_offset >> (24 - 8 * i));
        memcpy(file + n + 50, "ABC", 4);
        n += 54;
    }
    n += (size_t)snprintf((char *)file + n, sizeof file - n, "\n%s\n", rule);
    return cron_zone_parse("test", file, n, ret, err);
}

TEST(rules_alone_make_a_zone)
{
    struct cron_zone *z = NULL;
    const struct cron_zone *york = zone("America/New_York");
    struct err err;

    must_rc(parse_rule("EST5EDT,M3.2.0,M11.1.0", -18000, &z, &err), &err);
    for (int64_t t = at("2008-01-01T00:00:00Z"); t < at("2199-12-31T00:00:00Z"); t += 7 * INT64_C(3600000))
        must(cron_zone_offset(z, t) == cron_zone_offset(york, t));
    cron_zone_free(z);
    must_rc(parse_rule("XXX3EDT4,0/0,J365/23", -14400, &z, &err), &err); /* summer time all year: RFC 8536 */
    for (int64_t t = at("1990-01-01T00:00:00Z"); t < at("2100-01-01T00:00:00Z"); t += 11 * INT64_C(3600000))
        must(cron_zone_offset(z, t) == -14400);
    cron_zone_free(z);
    must_rc(parse_rule("<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", -10800, &z, &err),
            &err); /* America/Nuuk as of 2023 */
    is_int(cron_zone_offset(z, at("2030-03-31T00:59:59Z")), -10800);
    is_int(cron_zone_offset(z, at("2030-03-31T01:00:00Z")), -7200);
    cron_zone_free(z);
    must_rc(parse_rule("ABC-5:45:30", 20730, &z, &err), &err);
    is_int(cron_zone_offset(z, 0), 20730);
    cron_zone_free(z);
}

TEST(rules_that_are_none)
{
    static const char *const bad[] = {"EST",
                                      "5",
                                      "EST5EDT",
                                      "EST5EDT,M3.2.0",
                                      "EST5EDT,M13.2.0,M11.1.0",
                                      "EST5EDT,M3.6.0,M11.1.0",
                                      "EST5EDT,M3.2.7,M11.1.0",
                                      "EST5EDT,J0,J365",
                                      "EST5EDT,0,366",
                                      "EST25",
                                      "<E ST>5",
                                      "EST5EDT,M3.2.0/168,M11.1.0",
                                      "EST5EDT,M3.2.0,M11.1.0x",
                                      "EST5:60"};
    struct cron_zone *z = NULL;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        fails(parse_rule(bad[i], 0, &z, &err), &err, ERR_CONFIG);
}

TEST(a_damaged_file_is_refused_or_read_and_never_more)
{
    struct buf file = BUF_INIT(MAX_ZONE_FILE);
    struct cron_zone *z;
    struct err err;
    int refused = 0;

    must_rc(fs_read("/usr/share/zoneinfo/Europe/Berlin", &file, &err), &err);
    for (size_t n = 0; n < file.n; n += 7) {
        char *exact = xmalloc(n > 0 ? n : 1); /* its own block, so that reading past the end is seen */
        memcpy(exact, file.p, n);
        ok(cron_zone_parse("cut", exact, n, &z, &err) < 0);
        free(exact);
    }
    for (size_t i = 0; i < file.n; i += 3) {
        char was = file.p[i];
        file.p[i] = (char)(was ^ 0x85);
        z = NULL;
        if (cron_zone_parse("flipped", file.p, file.n, &z, &err) < 0)
            refused++;
        else
            ok(cron_zone_offset(z, INT64_MAX) >= -26 * 3600 && cron_zone_offset(z, INT64_MIN) <= 26 * 3600);
        cron_zone_free(z);
        file.p[i] = was;
    }
    ok(refused > 20);
    buf_release(&file);
}
