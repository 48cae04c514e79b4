"""The yardstick of ingest/pandas: FILE URL TABLE: read_csv, then to_sql in chunks of 10,000 rows."""
import sys

import pandas
import sqlalchemy

frame = pandas.read_csv(sys.argv[1], na_values=["NA"]).rename(columns={"Unnamed: 0": "id"})
frame.to_sql(sys.argv[3], sqlalchemy.create_engine(sys.argv[2]), if_exists="append", index=False, chunksize=10000)
