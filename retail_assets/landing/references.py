"""Reference files (a product master, stores, customers): landed like sales, read whole, registered by hash.

Their bytes are at `<source>/references/<name>/dt=<day>/`. The files of the latest day are the version in use. What
cleaning joins is a copy of its columns as Parquet in the lake, so that tasks and replays read the registered version.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retail_assets.contracts.model import Contract
from retail_assets.contracts.references import ReferenceRule, priced_by
from retail_assets.contracts.typing_sql.numbers import number_columns
from retail_assets.contracts.typing_sql.text_columns import TextColumns
from retail_assets.errors import LandingError, NotReadyError, nearest
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import ReferenceVersion
from retail_assets.lake.sweep import GRACE
from retail_assets.landing.formats import format_of
from retail_assets.landing.partitions import REFERENCES, partition_of
from retail_assets.landing.reference_rows import Content, keyed_rows, refuse_large
from retail_assets.storage import Entry, Store

if TYPE_CHECKING:
    import pyarrow as pa

#: Keys of a rule that do not decide what its copy in the lake holds.
_NOT_OF_COPY = {"required", "on", "partial", "version", "description"}


def reference_folder(source: str, name: str) -> str:
    """Return the folder of a reference file below the raw store.

    >>> reference_folder("my_shop", "products")
    'my_shop/references/products'
    """
    return f"{source}/{REFERENCES}/{name}"


def rule_of(contract: Contract, name: str) -> ReferenceRule:
    """Return the contract's rule for a reference. Raises LandingError if it has none of that name."""
    if name not in contract.references:
        known = ", ".join(contract.references) or "none"
        raise LandingError(
            f"The contract {contract.name!r} has no reference {name!r}.{nearest(name, contract.references)} "
            f"It has: {known}. Declare it under `references` (docs/contracts.md)."
        )
    return contract.references[name]


class LandedReferences:
    """The reference files of a contract in the raw store, by the landing that they count for. Each is read once."""

    def __init__(self, raw: Store, source: str, contract: Contract) -> None:
        self._raw, self._source, self._contract = raw, source, contract
        self._versions: dict[str, dict[dt.date, list[Entry]]] = {}
        self._contents: dict[str, Content] = {}
        self._tables: dict[tuple[str, str], pa.Table] = {}

    def files(self, name: str, landed_on: dt.date) -> list[Entry]:
        """Return the files of the version that counts for a landing, by key; none if nothing has landed.

        It is the latest one, or the latest on the day of the landing if the contract says so. For landings before the
        first version that is the first.
        """
        if name not in self._versions:
            self._versions[name] = self._landed(name)
        days = sorted(self._versions[name])
        if self._contract.references[name].version == "as_of_landing":
            days = [day for day in days if day <= landed_on] or days[:1]
        return self._versions[name][days[-1]] if days else []

    def contents(self, name: str, landed_on: dt.date) -> list[Content]:
        """Return the bytes of the version that counts for a landing."""
        files = self.files(name, landed_on)
        for file in files:
            if file.key not in self._contents:
                self._contents[file.key] = Content(file.key, _bytes_of(self._raw, file))
        return [self._contents[file.key] for file in files]

    def digests(self, landed_on: dt.date) -> dict[str, str]:
        """Return the digest of each reference for a landing, as ReferenceVersion has it."""
        return {name: _digest(self.contents(name, landed_on)) for name in self._contract.references}

    def table(self, name: str, landed_on: dt.date) -> pa.Table:
        """Return the rows of a reference for a landing: key, c0, c1, …

        Raises LandingError if the file cannot be used.
        """
        contents = self.contents(name, landed_on)
        place = (name, _digest(contents))
        if place not in self._tables:
            rule = self._contract.references[name]
            self._tables[place] = _table_of(self._contract, rule, contents)
        return self._tables[place]

    def prices(self, landed_on: dt.date) -> dict[str, pa.Table] | None:
        """Return the rows of the references that the money of a landing depends on; None if one has not landed."""
        names = priced_by(self._contract.references, self._contract.columns)
        if not all(self.files(name, landed_on) for name in names):
            return None
        return {name: self.table(name, landed_on) for name in names}

    def _landed(self, name: str) -> dict[dt.date, list[Entry]]:
        days: dict[dt.date, list[Entry]] = {}
        for entry in self._raw.list(reference_folder(self._source, name)):
            rest = entry.key.split("/")[2:]  # <name>/dt=<day>/<file>
            if not any(part.startswith("_") for part in rest) and (day := partition_of("/".join(rest))):
                days.setdefault(day, []).append(entry)
        return {day: sorted(files, key=lambda e: e.key) for day, files in days.items()}


def are_current(registered: Sequence[ReferenceVersion], digests: Mapping[str, str]) -> bool:
    """Return whether a landing was registered with these versions of the references."""
    before = {version.name: version.digest for version in registered}
    return all(before.get(name) == digest for name, digest in digests.items())


def check_reference(path: Path, contract: Contract, name: str) -> int:
    """Read a local reference file and return its number of rows. Raises LandingError if it cannot be used."""
    content = Content(str(path), path.read_bytes())
    return len(keyed_rows([content], rule_of(contract, name)))


def register_references(
    landed: LandedReferences, lake: Lake, contract: Contract, landed_on: dt.date
) -> tuple[ReferenceVersion, ...]:
    """Copy the version of each reference that counts for a landing into the lake, and return what was read.

    Raises NotReadyError if a reference has not landed, LandingError if one cannot be used.
    """
    versions, now = [], dt.datetime.now(dt.UTC)
    digests = landed.digests(landed_on)
    for name, rule in contract.references.items():
        files = landed.files(name, landed_on)
        if not files:
            raise NotReadyError(
                f"The contract {contract.name!r} joins sales with the reference {name!r}, and none has landed. "
                f"Land it first:  retail-assets land --reference {name} FILE{_what_it_is(rule)}"
            )
        commas = _decimal_commas(contract, rule, [file.key for file in files])
        key = copy_key(lake.source, name, digests[name], rule, commas)
        rows = landed.table(name, landed_on)
        written = {e.key: e.modified for e in lake.store.list(f"{lake.source}/{REFERENCES}/{name}")}
        # A sweep takes no young copy, so that one which no manifest names yet is there until this one does.
        if (written.get(key) or 0) < (now - GRACE / 2).timestamp():
            _write_copy(lake.store, key, rows)
        versions.append(
            ReferenceVersion(name, digests[name], key, rows.num_rows, tuple((f.key, f.size) for f in files))
        )
    return tuple(versions)


def copy_key(source: str, name: str, digest: str, rule: ReferenceRule, decimal_commas: Collection[str] = ()) -> str:
    """Return the key in the lake of a version's copy; another rule makes another copy, and other marks of numbers."""
    read_by = "\0".join([rule.model_dump_json(exclude=_NOT_OF_COPY), *sorted(decimal_commas)])
    of_rule = hashlib.sha256(read_by.encode()).hexdigest()
    return f"{source}/{REFERENCES}/{name}/{digest[:16]}-{of_rule[:8]}.parquet"


def differing(contract: Contract, registered: Sequence[ReferenceVersion]) -> str | None:
    """Return the first reference that a landing was not registered with as the contract declares it now, if any."""
    keys = {version.name: version for version in registered}
    for name, rule in contract.references.items():
        version = keys.get(name)
        if version is None:
            return name
        commas = _decimal_commas(contract, rule, [key for key, _ in version.files])
        if version.key != copy_key(version.key.split("/")[0], name, version.digest, rule, commas):
            return name
    return None


def _decimal_commas(contract: Contract, rule: ReferenceRule, keys: Iterable[str]) -> frozenset[str]:
    """Return the columns of a reference in which numbers that are no texts get the decimal comma of the contract."""
    if contract.numbers.decimal == "." or all(format_of(key)[0] == "csv" for key in keys):
        return frozenset()
    places = {name: i for i, name in enumerate(rule.columns)}
    numbers = number_columns(TextColumns(contract, places))
    return frozenset(name for name, i in places.items() if i in numbers)


def reference_tables(
    landed: LandedReferences, contract: Contract, given: Mapping[str, Sequence[Path]], landed_on: dt.date
) -> dict[str, pa.Table]:
    """Return the rows of each reference of the contract (key, c0, c1, …), for a dry run: nothing is written.

    `given` are local files by the name of the reference; the others are those that have landed. Raises NotReadyError
    for a reference that is in neither, LandingError for one that cannot be used, or that the contract does not have.
    """
    for name in given:
        rule_of(contract, name)
    tables = {}
    for name, rule in contract.references.items():
        if name in given:
            contents = [Content(str(path), path.read_bytes()) for path in given[name]]
            tables[name] = _table_of(contract, rule, contents)
        elif landed.files(name, landed_on):
            tables[name] = landed.table(name, landed_on)
        else:
            raise NotReadyError(
                f"The contract {contract.name!r} joins sales with the reference {name!r}, and none has landed. "
                f"Give its file with  --reference {name}=FILE{_what_it_is(rule)}"
            )
    return tables


def _what_it_is(rule: ReferenceRule) -> str:
    return f"\n  What it is: {rule.description}" if rule.description else ""


def _table_of(contract: Contract, rule: ReferenceRule, contents: list[Content]) -> pa.Table:
    """Return the rows of a reference as cleaning joins them: key, c0, c1, …, all text."""
    import pyarrow as pa

    rows = keyed_rows(contents, rule, _decimal_commas(contract, rule, [content.key for content in contents]))
    columns = {
        f"c{i}": pa.array([values[i] for values in rows.values()], pa.string()) for i in range(len(rule.columns))
    }
    return pa.table({"key": pa.array(list(rows), pa.string()), **columns})


def _write_copy(store: Store, key: str, rows: pa.Table) -> None:
    import pyarrow.parquet as pq

    with store.writing(key) as target:
        pq.write_table(rows, target)


def _digest(contents: Sequence[Content]) -> str:
    texts = (f"{content.key}\0{content.sha256}\n" for content in contents)
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def _bytes_of(raw: Store, file: Entry) -> bytes:
    refuse_large(file.key, file.size)
    return raw.read(file.key)
