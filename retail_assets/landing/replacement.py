"""What to do about a file that cannot be used: the command that puts another one in its place, where it has landed."""

from __future__ import annotations

from retail_assets.landing.land import file_name_in_store, land_command
from retail_assets.landing.partitions import REFERENCES, partition_of


def use_instead(key: str, what: str) -> str:
    """Return the sentence that asks for another file in the place of `key`, with its command if `key` has landed.

    >>> print(use_instead("shop/dt=2024-01-31/till 2.csv", "the complete file"))
    Land the complete file: `retail-assets land 'till 2.csv' --date 2024-01-31 --replace`.
    >>> print(use_instead("till 2.csv", "the complete file"))
    Use the complete file.
    """
    parts = key.split("/")
    reference = parts[2] if len(parts) > 2 and parts[1] == REFERENCES else None
    rest = parts[1:] if reference is None else parts[3:]
    day = partition_of("/".join((parts[0], *rest)))
    if day is None:
        return f"Use {what}."
    if len(rest) != 2 or file_name_in_store(rest[1]) != rest[1]:  # not where or not what `land` would call it
        return f"Put {what} in its place in the raw store."
    return f"Land {what}: `{land_command(rest[1], day, '--replace', reference=reference)}`."
