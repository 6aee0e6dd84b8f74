"""What Redshift, its driver and AWS say, as errors that say what to do; without secrets, hosts, roles and accounts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from retail_assets.errors import (
    NotReadyError,
    RetailError,
    WarehouseBusyError,
    WarehouseError,
    WarehouseUnreachableError,
)
from retail_assets.tables import SALES, SALES_CLEAN
from retail_assets.warehouse.schema_changes import MAYBE_OLDER

CLEAN_AGAIN = "Nothing was loaded. Materialize clean_sales again for its landing."

_CONFLICT = re.compile(
    r"\b1023\b|serializable isolation|could not serialize|deadlock detected|conflict with concurrent transaction"
    r"|could not open relation|\b1018\b|concurrent(ly)? (update|delete|transaction|drop)|tuple concurrently",
    re.IGNORECASE,
)
#: 40001 and 40P01: conflict and deadlock. 42P06, 42P07, 23505: another process made the same schema or table just now.
_CONFLICT_CODES = ("40001", "40P01", "42P06", "42P07", "23505")
_LOST = re.compile(
    r"BrokenPipe|server socket closed|connection time out|communication error|connection is closed|"
    r"Connection reset|terminating connection|server closed the connection|timed out|Network is unreachable"
    r"|unpack requires a buffer|could not translate host|Name or service not known|write to closed file"
    r"|I/O operation on",
    re.IGNORECASE,
)
_REFUSED = re.compile(r"permission denied|not authorized|Access ?Denied|Status 403")
_UNTRUSTED = re.compile(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|Server refuses SSL")
_GONE_CODES = ("57P01", "57P02", "57P03", "08000", "08003", "08006", "53300")
_NO_TABLE = re.compile(r'relation "(?:\w+\.)?(\w+)" does not exist')
_SENSITIVE = re.compile(
    r"arn:aws[\w-]*:[^\s'\",)]+|\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b|\b[\w.-]+\.(?:redshift|redshift-serverless)\.amazonaws"
    r"\.com(?:\.cn)?|https?://[^\s'\",)]+",
)


def fields_of(error: BaseException) -> dict[str, str]:
    """The fields of Redshift's ErrorResponse: C is the code, M the message, D the detail; or M alone."""
    if error.args and isinstance(error.args[0], dict):
        return {str(k): str(v) for k, v in error.args[0].items()}
    return {"M": " ".join(" ".join(map(str, error.args)).split()) or type(error).__name__}


def is_conflict(error: BaseException) -> bool:
    """Whether another transaction was in the way: the same again, from the beginning, can succeed."""
    said = fields_of(error)
    return said.get("C") in _CONFLICT_CODES or bool(_CONFLICT.search(f"{said.get('M', '')} {said.get('D', '')}"))


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, or could not be made."""
    if _UNTRUSTED.search(str(error)):
        return False
    if isinstance(error, OSError | EOFError):
        return True
    said = fields_of(error)
    return said.get("C") in _GONE_CODES or ("C" not in said and bool(_LOST.search(said["M"])))


class Explainer:
    """Turns errors of one warehouse into RetailErrors. `secrets` never appear in a message."""

    def __init__(self, location: str, secrets: Iterable[str | None]) -> None:
        self._location = location
        self._secrets = sorted({s for s in secrets if s}, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """`text` in one line, without secrets, hosts, roles and addresses."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return " ".join(_SENSITIVE.sub("***", text).split())

    def also_hide(self, secrets: Iterable[str | None]) -> None:
        self._secrets = sorted({*self._secrets, *(s for s in secrets if s)}, key=len, reverse=True)

    def explained(self, error: BaseException, doing: str, load_error: dict[str, Any] | None = None) -> RetailError:
        """The error to raise, `from None`: the original has in its text and frames what must not be shown."""
        if isinstance(error, RetailError):
            return error
        said = fields_of(error)
        code = said.get("C", "")
        told = self.hide(f"{said.get('M', '')} {said.get('D', '')}")[:900]
        if _UNTRUSTED.search(told):
            return WarehouseError(
                f"{self._location}: the endpoint does not prove to be Redshift ({told}). Check REDSHIFT_HOST and "
                "REDSHIFT_PORT: the certificate must be of that name."
            )
        if is_lost(error):
            return WarehouseUnreachableError(
                f"{self._location} did not answer while {doing} ({told.split('. ')[0] or type(error).__name__}). "
                "Nothing was changed by halves. Is the cluster or workgroup up, and its security group open to this "
                "machine? Run the same again."
            )
        if is_conflict(error):
            return WarehouseBusyError(
                f"{self._location}: another transaction was in the way again and again while {doing} ({told}). "
                "Nothing was changed. Run the same again when the other one has ended."
            )
        if getattr(error, "waiting", False):
            return WarehouseBusyError(
                f"{self._location}: waited too long for other loads to end while {doing} ({told}). Nothing was "
                "changed. Is a session idle in a transaction? (SELECT * FROM svv_transactions.) Run the same again."
            )
        if re.search(r"Unable to locate credentials|ExpiredToken|InvalidClientTokenId|security token", told):
            return WarehouseError(
                f"{self._location}: AWS did not accept who we are while {doing} ({told}). Check the AWS profile, role "
                "or keys of this process."
            )
        if re.search(r"ResourceNotFoundException|ClusterNotFound|not found", told) and not code:
            return WarehouseError(
                f"{self._location}: what is named was not found ({told}). Check REDSHIFT_CLUSTER, REDSHIFT_WORKGROUP, "
                "REDSHIFT_SECRET and REDSHIFT_REGION."
            )
        if code in ("28000", "28P01") or "authentication failed" in told:
            return WarehouseError(
                f"{self._location} refused the login ({told}). Check REDSHIFT_USER and its password or secret, or that "
                "IAM may get credentials for it."
            )
        if code == "42501" or _REFUSED.search(told):
            return WarehouseError(
                f"{self._location} does not permit it while {doing}: {told}. Nothing was changed. docs/redshift.md "
                "says which grants and which role are needed."
            )
        if missing := _NO_TABLE.search(said.get("M", "")):
            name = {SALES_CLEAN.name: SALES.name}.get(missing[1], missing[1])
            return NotReadyError(f"{self._location} has no table {name} yet. Materialize the asset `{name}` first.")
        if load_error is not None or "Spectrum" in told or "S3ServiceException" in told or "anifest" in told:
            then = CLEAN_AGAIN if doing.startswith("loading") else "Nothing was changed."
            return WarehouseError(f"{self._location}: {self._load_error(told, load_error)}. {then}")
        advice = f". {MAYBE_OLDER}" if code == "42703" else ""  # undefined_column
        return WarehouseError(f"{self._location}: {told or type(error).__name__} (while {doing}){advice}")

    def _load_error(self, told: str, found: dict[str, Any] | None) -> str:
        """File, line, column and reason, from `sys_load_error_detail` where Redshift has logged the error there."""
        if found is None:
            return f"a file of the lake cannot be loaded: {told}"
        place = f"file {str(found['file_name']).strip()}"
        if found["line_number"]:
            place += f", line {found['line_number']}"
        if str(found["column_name"] or "").strip():
            place += f", column {str(found['column_name']).strip()}"
        return self.hide(
            f"a file of the lake cannot be loaded ({place}): {str(found['error_message']).strip() or told}"
        )
