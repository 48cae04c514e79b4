"""The yardstick of profile-1m: what orch profile tells, with pandas. FILE [PAGE]: with PAGE the plots are drawn too.

Of each column: count, NULLs, mean, deviation, extremes, seven quantiles, distinct values, the ten most frequent, a histogram of 40
bins, zeros, negatives, the five lowest and highest, values beyond the fences. Of all: rows that repeat another, correlations. With
PAGE also what the page draws: a histogram a column, the matrix of correlations. All of that is in orch's report; what that has
besides (lengths, shapes, misfits, placeholders, SQL types, lines) is not in here.
"""
import json
import sys

import numpy
import pandas

frame = pandas.read_csv(sys.argv[1], na_values=["NA"])
told = {"describe": frame.describe(percentiles=[.01, .05, .25, .5, .75, .95, .99]), "nulls": frame.isna().sum(),
        "distinct": frame.nunique(), "copies": int(frame.duplicated().sum()), "correlations": frame.corr(numeric_only=True)}
for name in frame.columns:
    values = frame[name].dropna()
    q1, q3 = values.quantile(.25), values.quantile(.75)
    told[name] = {"top": values.value_counts().head(10), "histogram": numpy.histogram(values, bins=40), "zeros": int((values == 0).sum()),
                  "negatives": int((values < 0).sum()), "low": values.nsmallest(5), "high": values.nlargest(5),
                  "odd": int(((values < q1 - 3 * (q3 - q1)) | (values > q3 + 3 * (q3 - q1))).sum())}
if len(sys.argv) > 2:
    import matplotlib
    matplotlib.use("svg")
    import matplotlib.pyplot as plot
    frame.hist(bins=40, figsize=(16, 12))
    plot.savefig(sys.argv[2] + ".hist.svg")
    plot.matshow(told["correlations"])
    plot.savefig(sys.argv[2] + ".corr.svg")
print(json.dumps({k: str(v) for k, v in told.items()}))
