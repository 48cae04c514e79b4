from airflow._stub import PythonOperator  # noqa: F401
