"""orch as an idempotent leaf of an Airflow DAG: one task a partition, and the exit code decides.

Copy it into the DAGs folder and set the four constants. orch keeps its own state, so a task that is cleared, retried or
run twice loads nothing twice, and a backfill is safe. Needs nothing but the orch binary on the worker that runs the
task; the state file lies on that worker's disk, so pin the tasks to it with a queue.

execution_timeout is not enforced everywhere (deferrable operators, some executors), so orch ends itself: --timeout.
"""

import json
import subprocess
from datetime import datetime, timedelta, timezone

try:
    from airflow.sdk import DAG
    from airflow.providers.standard.operators.python import PythonOperator
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.operators.python import PythonOperator
from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.timetables.interval import CronDataIntervalTimetable

ORCH = "orch"
CONFIG = "/etc/orch/orch.json"
PIPELINE = "loans"
TIMEOUT = "30m"

# What an exit code of `orch run PIPELINE --partition P` means to Airflow. Codes that are not here are tried again:
# killed (negative, or 128 and more), and those that a later orch may bring.
EXIT_CODES = {
    0: ("success", "loaded and reconciled"),
    1: ("retry", "a job failed or died"),
    2: ("fail", "the command line is wrong"),
    3: ("fail", "config or definition refused"),
    4: ("fail", "permission refused"),
    5: ("fail", "source and target differ"),
    6: ("retry", "the partition is late"),
    10: ("retry", "another process works the pipeline"),
    75: ("retry", "a server is away, the partition is not there yet, or --timeout is over"),
}
# States of a partition that is done and has no rows to go on with: what comes after it is skipped.
SKIP_STATES = ("EMPTY", "SKIPPED")


def partition_of(start, period="hour"):
    """orch's name of the partition that begins at start: 2022-06-05T12, or 2022-06-05 by day. UTC."""
    return start.astimezone(timezone.utc).strftime("%Y-%m-%dT%H" if period == "hour" else "%Y-%m-%d")


def decide(code, state="", message=""):
    """Ends the task as the exit code says. Returns the partition's state when all is well."""
    action, meaning = EXIT_CODES.get(code, ("retry", "ended by a signal" if code < 0 or code >= 128 else "unknown"))
    text = f"orch: exit {code}, {meaning}" + (f": {message}" if message else "")
    if action == "fail":
        raise AirflowFailException(text)
    if action == "retry":
        raise AirflowException(text)
    if state in SKIP_STATES:
        raise AirflowSkipException(f"orch: {state}: no rows to go on with")
    return state


def run_partition(partition, pipeline=PIPELINE, orch=ORCH, config=CONFIG, timeout=TIMEOUT):
    command = [orch, "-c", config, "run", pipeline, "--partition", partition, "--timeout", timeout, "-o", "json"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    except OSError as e:  # not installed on this worker: no retry mends that
        raise AirflowFailException(f"cannot run {orch}: {e}") from e
    print(done.stderr, end="")
    print(done.stdout, end="")
    try:
        told = json.loads(done.stdout)
        state, message = told["state"], told["message"] or told["state"]
    except (ValueError, KeyError, TypeError):  # it did not come as far as that
        if done.returncode == 0:
            raise AirflowFailException("orch: exit 0 without saying the state; is it another program?") from None
        state, message = "", (done.stderr.strip().splitlines() or [""])[0]
    return decide(done.returncode, state, message)


def load(**context):
    return run_partition(partition_of(context["data_interval_start"]))


with DAG(
    dag_id=f"orch_{PIPELINE}",
    # not "@hourly": in Airflow 3 that has no data interval, and names the hour that has only begun
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
    start_date=datetime(2022, 6, 5, tzinfo=timezone.utc),
    catchup=True,
    max_active_runs=1,  # orch works one job of a pipeline at a time; more would only wait for each other
    default_args={
        "retries": 12,  # of an hour that is late: for as long as the delays of the retries go on
        "retry_delay": timedelta(minutes=5),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(hours=1),
    },
) as dag:
    PythonOperator(task_id="load", python_callable=load)
