#include "orchestrator/demo.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/period.h"

enum { ROWS = 200, HOUR = 3600000 };

static const char header[] =
    ",SeriousDlqin2yrs,RevolvingUtilizationOfUnsecuredLines,age,NumberOfTime30-59DaysPastDueNotWorse,"
    "DebtRatio,"
    "MonthlyIncome,NumberOfOpenCreditLinesAndLoans,NumberOfTimes90DaysLate,NumberRealEstateLoansOrLines,"
    "NumberOfTime60-89DaysPastDueNotWorse,NumberOfDependents\r\n";

static uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % below;
}

/* One record; bad: 0 none, else the kind of fault. */
static int record(struct buf *b, uint64_t *seed, int number, int bad, struct err *err)
{
    char income[32] = "NA", dependents[8] = "NA";

    if (draw(seed, 5) != 0) /* a fifth is NA, as in the data that it is modeled on */
        snprintf(income, sizeof income, "%u", 500 + draw(seed, 15000));
    if (draw(seed, 40) != 0)
        snprintf(dependents, sizeof dependents, "%u", draw(seed, 5));
    if (bad == 1)
        snprintf(income, sizeof income, "\"12,000\"");
    int rc = buf_addf(b, err, "%d,%u,0.%09u,%u,%u,0.%09u,%s,%u,%u,%u,%u", number, draw(seed, 15) == 0,
                      draw(seed, 1000000000), 21 + draw(seed, 70), draw(seed, 3), draw(seed, 1000000000),
                      income, draw(seed, 20), draw(seed, 2), draw(seed, 4), draw(seed, 2));
    if (rc == 0 && bad == 2)
        return buf_adds(b, ",many\r\n", err);
    if (rc == 0 && bad == 3)
        return buf_adds(b, "\r\n", err); /* a field too few */
    return rc == 0 ? buf_addf(b, err, ",%s\r\n", dependents) : rc;
}

static int file_text(struct buf *b, uint64_t seed, int bad_records, struct err *err)
{
    int rc = buf_adds(b, header, err);

    for (int i = 1; rc == 0 && i <= ROWS; i++)
        rc = record(b, &seed, i, i % 16 == 7 && i / 16 < bad_records ? 1 + i / 16 % 3 : 0, err);
    return rc;
}

static int put(const char *dir, const char *folder, int64_t hour_ms, const char *name, uint64_t seed, int bad,
               struct err *err)
{
    struct buf text = BUF_INIT(4 * MIB);
    char prefix[PREFIX_SIZE];
    char *where = NULL, *path = NULL;
    int rc = part_prefix("yyyy=%Y/mm=%m/dd=%d/hh=%H/", hour_ms, prefix, err);

    if (rc < 0)
        return rc;
    where = xasprintf("%s/%s/%s", dir, folder, prefix);
    path = xasprintf("%s%s", where, name);
    rc = fs_mkdir_p(where, err);
    if (rc == 0)
        rc = file_text(&text, seed, bad, err);
    if (rc == 0)
        rc = fs_write(path, text.p, text.n, 0644, err);
    free(path);
    free(where);
    buf_release(&text);
    return rc;
}

static int hour(const char *dir, int64_t day_ms, int h, struct err *err)
{
    int64_t at = day_ms + (int64_t)h * HOUR;
    uint64_t seed = (uint64_t)h * 1000 + 7;
    int rc = 0;

    switch (h) {
    case DEMO_MISSING:
        return 0;
    case DEMO_LATE:
        return put(dir, "late", at, "file001.csv", seed, 0, err);
    case DEMO_REJECTS:
        return put(dir, "incoming", at, "file001.csv", seed, 3, err);
    case DEMO_BROKEN:
        rc = put(dir, "mended", at, "file001.csv", seed, 0, err);
        return rc == 0 ? put(dir, "incoming", at, "file001.csv", seed, 12, err) : rc;
    case DEMO_TWO_FILES:
        rc = put(dir, "incoming", at, "file002.csv", seed + 1, 0, err);
        break;
    default:
        break;
    }
    return rc == 0 ? put(dir, "incoming", at, "file001.csv", seed, 0, err) : rc;
}

static const char config_text[] =
    "{\n"
    "  \"$comment\": \"made by orch init --demo; docs/config.md tells every key\",\n"
    "  \"$schema\": \"orch.schema.json\",\n"
    "  \"state\": \"orch.db\",\n"
    "  \"connections\": {\n"
    "    \"lake\": {\"url\": \"file://incoming/\"},\n"
    "    \"warehouse\": {\"url\": \"sqlite:warehouse.db\"}\n"
    "  },\n"
    "  \"pipelines\": {\n"
    "    \"loans\": {\n"
    "      \"owner\": {\"name\": \"you\"},\n"
    "      \"source\": {\n"
    "        \"connection\": \"lake\", \"since\": \"%s\", \"until\": \"%s\",\n"
    "        \"$comment\": \"settle: files of the demo do not grow, so there is nothing to wait for\",\n"
    "        \"settle\": \"0s\"\n"
    "      },\n"
    "      \"columns\": {\n"
    "        \"$comment\": \"the first header cell is empty: a row number, dropped. NA becomes NULL by "
    "csv.null\",\n"
    "        \"\": null,\n"
    "        \"MonthlyIncome\": {\"type\": \"BIGINT\"},\n"
    "        \"NumberOfDependents\": {\"type\": \"BIGINT\"}\n"
    "      },\n"
    "      \"target\": {\"connection\": \"warehouse\", \"table\": \"loan_applicant_info\", \"create\": "
    "true},\n"
    "      \"max_rejects\": \"5\"\n"
    "    }\n"
    "  },\n"
    "  \"tick\": {\"linger\": \"0s\"}\n"
    "}\n";

int demo_make(const char *dir, int64_t day_ms, char **ret_config, struct err *err)
{
    char first[PART_SIZE], last[PART_SIZE];
    int rc = fs_mkdir_p(dir, err);

    for (int h = 0; rc == 0 && h < 24; h++)
        rc = hour(dir, day_ms, h, err);
    if (rc < 0)
        return rc;
    part_name(PERIOD_HOUR, day_ms, first);
    part_name(PERIOD_HOUR, day_ms + 23 * (int64_t)HOUR, last);
    *ret_config = xasprintf(config_text, first, last);
    return 0;
}
