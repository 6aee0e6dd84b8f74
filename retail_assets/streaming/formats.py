"""Which reader the records of the topics need. What only Avro needs is imported only for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from retail_assets.settings import Settings
from retail_assets.settings.stream_registry import RegistrySettings
from retail_assets.settings.streaming import StreamSettings
from retail_assets.streaming.pseudonymized_lines import Lines, as_contract_asks
from retail_assets.streaming.record_lines import RecordLines

if TYPE_CHECKING:
    from retail_assets.streaming.avro_records import AvroRecords


def record_lines(
    settings: Settings,
    stream: StreamSettings,
    wait: Callable[[float], bool],
    say: Callable[[str], None],
    patience: float | None,
) -> Lines:
    """Return what makes lines of records in the format of the settings, with pseudonyms if the contract asks for them.

    A schema registry is waited for with `wait` for `patience` seconds, None for as long as it takes, and `say` gets
    lines for people about it. Raises SettingsError if a package is missing, and what `pseudonyms_of` raises.
    """
    if stream.registry is None:
        return as_contract_asks(RecordLines(settings.contract), settings)
    records = avro_records(stream.registry, wait, say, patience, settings.contract.numbers.decimal)
    return as_contract_asks(RecordLines(settings.contract, records.read), settings)


def avro_records(
    registry: RegistrySettings,
    wait: Callable[[float], bool],
    say: Callable[[str], None],
    patience: float | None,
    decimal_mark: str = ".",
) -> AvroRecords:
    """Return what reads Avro by the schemas of a registry: see `record_lines`."""
    from retail_assets.streaming.avro_records import AvroRecords
    from retail_assets.streaming.registry import Registry

    return AvroRecords(Registry(registry, wait, say, patience), decimal_mark)
