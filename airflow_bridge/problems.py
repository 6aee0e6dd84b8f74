"""What can go wrong between Airflow and Dagster, as errors whose messages say what, where, and what to do.

There are two kinds. `UnreachableError`: no answer, or an answer from something in between; asking again may help.
`RefusedError`: Dagster answered, and asking again will not help. Neither contains a header or a password.
"""

from __future__ import annotations


class DagsterError(Exception):
    """A problem between Airflow and Dagster; the message says what, where, and what to do."""


class UnreachableError(DagsterError):
    """Dagster did not answer. `sent` is false if the request cannot have reached it."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class RefusedError(DagsterError):
    """Dagster refused, or what answered is not Dagster."""


class RunGoneError(RefusedError):
    """Dagster has no such run: it was deleted, or this is another Dagster instance."""


def sentence(text: str) -> str:
    """Return the text with one full stop at its end.

    >>> sentence("The till is on fire"), sentence("Wait. ")
    ('The till is on fire.', 'Wait.')
    """
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
