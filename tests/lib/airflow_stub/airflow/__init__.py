"""As much of Airflow as deploy/airflow/orch_dag.py imports: names and signatures of 2.9 and 3, nothing behind them."""

from airflow._stub import DAG  # noqa: F401, where Airflow 2 has it
