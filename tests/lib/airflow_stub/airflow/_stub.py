class DAG:
    last = None

    def __init__(self, dag_id, *, schedule, start_date, catchup, max_active_runs, default_args):
        self.dag_id, self.schedule, self.start_date = dag_id, schedule, start_date
        self.catchup, self.max_active_runs, self.default_args, self.tasks = catchup, max_active_runs, default_args, []

    def __enter__(self):
        DAG.last = self
        return self

    def __exit__(self, *_):
        return None


class PythonOperator:
    def __init__(self, *, task_id, python_callable):
        self.task_id, self.python_callable = task_id, python_callable
        DAG.last.tasks.append(self)
