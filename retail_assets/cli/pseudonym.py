"""`retail-assets pseudonym`: under which name a customer's sales are found, for who has the key."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from retail_assets.cli.command_line import examples
from retail_assets.cli.options import settings_for


@examples("pseudonym CUST-81", "pseudonym -")
def pseudonym(
    customer: Annotated[
        str, typer.Argument(metavar="ID", help="Customer id as files have it; - reads it from standard input.")
    ],
) -> None:
    """Print the pseudonym of a customer, as tables and predictions have it (`pseudonymize` of the contract)."""
    from retail_assets.errors import SettingsError
    from retail_assets.platform import Platform
    from retail_assets.pseudonyms.opened import pseudonyms_of

    settings = settings_for()
    pseudonyms = pseudonyms_of(settings, Platform(settings).lake, landing=False)
    if pseudonyms is None:
        raise SettingsError(
            f"The contract {settings.contract.name!r} does not ask for pseudonyms: its tables have ids as they are."
        )
    typer.echo(pseudonyms.of(sys.stdin.readline() if customer == "-" else customer))
