from airflow._stub import DAG  # noqa: F401
