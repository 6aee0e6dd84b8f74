"""Turns errors of Redshift, its driver and AWS into errors that say what to do, without secrets, hosts or roles."""

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
    """Return the fields of Redshift's ErrorResponse: C is the code, M the message, D the detail; or M alone."""
    if error.args and isinstance(error.args[0], dict):
        return {str(k): str(v) for k, v in error.args[0].items()}
    return {"M": " ".join(" ".join(map(str, error.args)).split()) or type(error).__name__}


def is_conflict(error: BaseException) -> bool:
    """Return whether the transaction conflicted with another one, so that a retry from the start can succeed."""
    fields = fields_of(error)
    return fields.get("C") in _CONFLICT_CODES or bool(_CONFLICT.search(f"{fields.get('M', '')} {fields.get('D', '')}"))


def is_lost(error: BaseException) -> bool:
    """Return whether the connection is lost, or could not be established."""
    if _UNTRUSTED.search(str(error)):
        return False
    if isinstance(error, OSError | EOFError):
        return True
    fields = fields_of(error)
    return fields.get("C") in _GONE_CODES or ("C" not in fields and bool(_LOST.search(fields["M"])))


class Explainer:
    """Turns errors of one warehouse into RetailErrors. `secrets` never appear in a message."""

    def __init__(self, location: str, secrets: Iterable[str | None]) -> None:
        self._location = location
        self._secrets = sorted({s for s in secrets if s}, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """Return `text` in one line, without secrets, hosts, roles and addresses."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return " ".join(_SENSITIVE.sub("***", text).split())

    def also_hide(self, secrets: Iterable[str | None]) -> None:
        self._secrets = sorted({*self._secrets, *(s for s in secrets if s)}, key=len, reverse=True)

    def explained(self, error: BaseException, doing: str, load_error: dict[str, Any] | None = None) -> RetailError:
        """Return the error to raise, `from None`: text and frames of the original contain what must not be shown."""
        if isinstance(error, RetailError):
            return error
        fields = fields_of(error)
        code = fields.get("C", "")
        text = self.hide(f"{fields.get('M', '')} {fields.get('D', '')}")[:900]
        if _UNTRUSTED.search(text):
            return WarehouseError(
                f"{self._location}: the certificate of the endpoint is not trusted ({text}). Check REDSHIFT_HOST and "
                "REDSHIFT_PORT: the certificate must be issued for that host name."
            )
        if is_lost(error):
            return WarehouseUnreachableError(
                f"{self._location} did not answer while {doing} ({text.split('. ')[0] or type(error).__name__}). "
                "Nothing was half-changed. Check that the cluster or workgroup is up and that its security group "
                "admits this machine; then try again."
            )
        if is_conflict(error):
            return WarehouseBusyError(
                f"{self._location}: every attempt conflicted with another transaction while {doing} ({text}). "
                "Nothing was changed. Try again when the other one has ended."
            )
        if getattr(error, "waiting", False):
            return WarehouseBusyError(
                f"{self._location}: waited too long for other loads to end while {doing} ({text}). Nothing was "
                "changed. Check for a session that is idle in a transaction (SELECT * FROM svv_transactions); then try "
                "again."
            )
        if re.search(r"Unable to locate credentials|ExpiredToken|InvalidClientTokenId|security token", text):
            return WarehouseError(
                f"{self._location}: AWS rejected the credentials while {doing} ({text}). Check the AWS profile, role "
                "or keys of this process."
            )
        if re.search(r"ResourceNotFoundException|ClusterNotFound|not found", text) and not code:
            return WarehouseError(
                f"{self._location}: a resource in the settings was not found ({text}). Check REDSHIFT_CLUSTER, "
                "REDSHIFT_WORKGROUP, REDSHIFT_SECRET and REDSHIFT_REGION."
            )
        if code in ("28000", "28P01") or "authentication failed" in text:
            return WarehouseError(
                f"{self._location} refused the login ({text}). Check REDSHIFT_USER and its password or secret, or that "
                "the IAM identity may get credentials for it."
            )
        if code == "42501" or _REFUSED.search(text):
            return WarehouseError(
                f"{self._location}: permission denied while {doing}: {text}. Nothing was changed. docs/redshift.md "
                "lists the grants and the role that are needed."
            )
        if missing := _NO_TABLE.search(fields.get("M", "")):
            name = {SALES_CLEAN.name: SALES.name}.get(missing[1], missing[1])
            return NotReadyError(f"{self._location} has no table {name} yet. Materialize the asset `{name}` first.")
        if load_error is not None or "Spectrum" in text or "S3ServiceException" in text or "anifest" in text:
            then = CLEAN_AGAIN if doing.startswith("loading") else "Nothing was changed."
            return WarehouseError(f"{self._location}: {self._load_error(text, load_error)}. {then}")
        advice = f". {MAYBE_OLDER}" if code == "42703" else ""  # undefined_column
        return WarehouseError(f"{self._location}: {text or type(error).__name__} (while {doing}){advice}")

    def _load_error(self, text: str, row: dict[str, Any] | None) -> str:
        """File, line, column and reason, from `sys_load_error_detail` if Redshift logged the error there."""
        if row is None:
            return f"a file of the lake cannot be loaded: {text}"
        place = f"file {str(row['file_name']).strip()}"
        if row["line_number"]:
            place += f", line {row['line_number']}"
        if str(row["column_name"] or "").strip():
            place += f", column {str(row['column_name']).strip()}"
        return self.hide(f"a file of the lake cannot be loaded ({place}): {str(row['error_message']).strip() or text}")
