"""Which reader the records of the topics need. What only Avro needs is imported only for it."""

from __future__ import annotations

from collections.abc import Callable

from retail_assets.settings import Settings
from retail_assets.settings.streaming import StreamSettings
from retail_assets.streaming.pseudonymized_lines import Lines, as_contract_asks
from retail_assets.streaming.record_lines import RecordLines


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
    from retail_assets.streaming.avro_records import AvroRecords
    from retail_assets.streaming.registry import Registry

    registry = Registry(stream.registry, wait, say, patience)
    records = AvroRecords(registry, settings.contract.numbers.decimal)
    return as_contract_asks(RecordLines(settings.contract, records.read), settings)
