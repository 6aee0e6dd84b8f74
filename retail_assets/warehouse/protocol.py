"""What every warehouse can do. `loads` has the SQL steps that they share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from retail_assets.lake.manifests import CleanManifest
from retail_assets.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

    from retail_assets.storage import Store
    from retail_assets.warehouse.customer_hash import Customer


@dataclass(frozen=True)
class Loaded:
    """Rows that a load inserted into and deleted from `sales_clean` and `sales_quarantine`, and `sales` after it."""

    clean_inserted: int
    clean_deleted: int
    quarantine_inserted: int
    quarantine_deleted: int
    sales_total: int


class Warehouse(Protocol):
    """A schema in a database. Methods raise WarehouseError; none leaves a transaction open."""

    schema: str

    def load_landings(self, store: Store, landings: Sequence[CleanManifest], identity_limit: float = 1.0) -> Loaded:
        """Make the tables hold exactly the rows of these landings, whatever rows of them they held before.

        Refuses landings that would replace more than the share `identity_limit` of sales by ones of another day.
        Raises WarehouseBusyError if another process writes for too long, or has cleaned a landing again meanwhile.
        """
        ...

    def replace(self, table: Table, rows: pa.Table) -> int:
        """Replace the rows of a table in one transaction; return their number."""
        ...

    def rebuild(self, table: Table, select: str) -> int:
        """Replace the rows of a table by those of a query in one transaction; return their number."""
        ...

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Return the rows of a SELECT. Raises NotReadyError if a table does not exist yet."""
        ...

    def scan(self, query: str, parameters: Sequence[Any] = ()) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a SELECT in batches, in no particular order and in constant memory."""
        ...

    def unchanged(self) -> AbstractContextManager[Sequence[Path] | None]:
        """Yield the files of the database, of all sources, which nobody writes until the block ends.

        None where the database is no file and keeps copies of its own, as Redshift does.
        """
        ...

    def exists(self, table: Table) -> bool: ...

    def fingerprint(self, table: Table, leave_out: frozenset[str] = frozenset()) -> str:
        """Return a text that changes when the rows of a table do, except in the columns to leave out."""
        ...

    def erase(self, places: pa.Table, customer: Customer, *, dry_run: bool = False) -> dict[str, int]:
        """Take a customer's rows out of every table, in one transaction; return how many, by table.

        `places` (see `erasures.places`) are the rows of landed files to erase. With `dry_run`, only count.
        """
        ...

    def purge(self) -> None:
        """Make what was deleted unreadable in the warehouse's own files: the space of deleted rows is given up."""
        ...

    def location(self, table: Table | None = None) -> str:
        """Return where a table is, without credentials: for metadata and messages."""
        ...
