"""What can be wrong with a question or with a bundle; every door answers with the same code, status and sentence."""

from __future__ import annotations

from collections.abc import Sequence

from retail_assets.errors import NotReadyError, RetailError


class ServingError(RetailError):
    """A question that cannot be answered.

    Attributes:
        code: name for programs, the same at every door.
        status: the HTTP status of the answer.
        nearest: names that are similar to an unknown one, the most similar first.
    """

    code = "unavailable"
    status = 503

    def __init__(self, message: str, nearest: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.nearest = tuple(nearest)


class BadRequestError(ServingError):
    """The question is wrong: the message has the field, its value and what is allowed."""

    code = "bad-request"
    status = 400


class OutsideHorizonError(BadRequestError):
    """Days are asked for that no forecast covers; the message has those that it covers."""

    code = "outside-horizon"


class UnknownCategoryError(ServingError):
    """There is no such category; `nearest` has similar ones."""

    code = "unknown-category"
    status = 404


class UnknownCustomerError(ServingError):
    """There is no such customer among those that have a segment."""

    code = "unknown-customer"
    status = 404


class UnknownPersonaError(ServingError):
    """There is no such persona; `nearest` has similar ones."""

    code = "unknown-persona"
    status = 404


class NoBundleError(ServingError, NotReadyError):
    """Nothing has been published at this address yet."""

    code = "no-bundle"


class BadBundleError(ServingError):
    """A bundle is damaged, incomplete, too large, of another format, or tries what a bundle must not."""

    code = "bad-bundle"
