class AirflowException(Exception):
    """Fails the try; tried again while retries are left."""


class AirflowFailException(AirflowException):
    """Fails the task without another try."""


class AirflowSkipException(AirflowException):
    """Skips the task, and what comes after it."""
