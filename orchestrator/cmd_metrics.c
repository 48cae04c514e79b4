#include "base/clock.h"
#include "base/limits.h"
#include "orchestrator/cmd.h"
#include "orchestrator/metrics.h"

static const char *textfile;
static const struct opt opts[] = {
    {"textfile", 0, OPT_TEXT, &textfile, "DIR", "write DIR/orch.prom (or a file that ends in .prom) instead"},
    {0},
};

static int run(struct cli *c, struct err *err)
{
    struct buf text = BUF_INIT(MAX_METRICS);
    int rc = cli_store(c, STORE_READ, err);

    if (rc == 0 && textfile != NULL) {
        rc = metrics_write(c->config, c->store, textfile, clock_now_ms(), err);
    } else if (rc == 0) {
        rc = metrics_text(c->config, c->store, clock_now_ms(), &text, err);
        if (rc == 0)
            fwrite(text.p, 1, text.n, c->out.to);
    }
    buf_release(&text);
    return rc;
}

const struct command cmd_metrics = {
    "metrics",
    "",
    "Figures for Prometheus, from the state file.",
    "With metrics.textfile in orch.json each tick writes them for the node exporter's textfile collector, so "
    "no\n"
    "daemon is needed. docs/metrics.md lists them; deploy/prometheus has alert rules, deploy/grafana a "
    "dashboard.\n\n"
    "  orch metrics\n"
    "  orch metrics --textfile /var/lib/prometheus/node-exporter\n",
    opts,
    0,
    0,
    run,
};
