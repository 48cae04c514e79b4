#include "orchestrator/probe.h"
#include "tests/tap.h"

static const char *part_of(const char *key, const char *layout, enum period period)
{
    static char part[PART_SIZE], with_prefix[PART_SIZE + 20];
    int64_t start;
    size_t prefix;

    if (!probe_layout(key, layout, period, &prefix, &start))
        return "none";
    snprintf(with_prefix, sizeof with_prefix, "%zu %s", prefix, part_name(period, start, part));
    return with_prefix;
}

TEST(finds_partitions_in_keys)
{
    static const char hive[] = "yyyy=%Y/mm=%m/dd=%d/hh=%H/";

    is_str(part_of("yyyy=2022/mm=06/dd=05/hh=12/file001.csv", hive, PERIOD_HOUR), "0 2022-06-05T12");
    is_str(part_of("in/x/yyyy=2022/mm=06/dd=05/hh=12/f.csv", hive, PERIOD_HOUR), "5 2022-06-05T12");
    is_str(part_of("2022/06/05/12/f.csv", "%Y/%m/%d/%H/", PERIOD_HOUR), "0 2022-06-05T12");
    is_str(part_of("2022/06/05/f.csv", "%Y/%m/%d/", PERIOD_DAY), "0 2022-06-05");
    is_str(part_of("2022-06-05/f.csv", "%Y-%m-%d/", PERIOD_DAY), "0 2022-06-05");
}

TEST(what_is_no_partition_is_none)
{
    static const char hive[] = "yyyy=%Y/mm=%m/dd=%d/hh=%H/";

    is_str(part_of("yyyy=2022/mm=02/dd=30/hh=12/f.csv", hive, PERIOD_HOUR), "none"); /* no such day */
    is_str(part_of("yyyy=2022/mm=06/dd=05/hh=24/f.csv", hive, PERIOD_HOUR), "none");
    is_str(part_of("yyyy=2022/mm=6/dd=5/hh=1/f.csv", hive, PERIOD_HOUR), "none");
    is_str(part_of("2022/06/05/", "%Y/%m/%d/%H/", PERIOD_HOUR), "none");
    is_str(part_of("file.csv", hive, PERIOD_HOUR), "none");
    is_str(part_of("", hive, PERIOD_HOUR), "none");
    is_str(part_of("2022/06/05/f.csv", "%Y/%m/%d/%", PERIOD_DAY), "none");
}

TEST(a_key_fits_a_layout_behind_the_prefix_alone)
{
    static const char layout[] = "yyyy=%Y/mm=%m/dd=%d/hh=%H/";
    size_t prefix = 99;

    ok(probe_fits("in/yyyy=2022/mm=06/dd=05/hh=12/a.csv", "in/", layout, PERIOD_HOUR));
    ok(!probe_fits("in/yyyy=2022/mm=06/dd=05/hh=12/a.csv", "", layout, PERIOD_HOUR));
    ok(!probe_fits("in/yyyy=2022/mm=06/dd=05/hh=24/a.csv", "in/", layout, PERIOD_HOUR));
    ok(!probe_fits("out/yyyy=2022/mm=06/dd=05/hh=12/a.csv", "in/", layout, PERIOD_HOUR));
    ok(!probe_fits("in", "in/", layout, PERIOD_HOUR));
    is_str(probe_suggest("a/b/2022/06/05/12/x.csv", &prefix), "%Y/%m/%d/%H/");
    is_int(prefix, 4);
    ok(probe_suggest("a/b/x.csv", &prefix) == NULL);
}
