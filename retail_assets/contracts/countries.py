"""Which countries and currencies there are, by their ISO codes, and what somebody meant who wrote another one."""

from __future__ import annotations

import difflib

from retail_assets.errors import nearest, without_secrets

#: Codes of the tables below that are no country.
_NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ"})


def refuse_unknown_country(code: str) -> str:
    """Return an ISO 3166 code if babel or the package of the holidays knows it. Raises ValueError.

    >>> refuse_unknown_country("DE")
    'DE'
    """
    from babel.core import get_global  # not at the top: most commands read no contract

    if (code not in get_global("territory_currencies") or code in _NO_COUNTRIES) and not _has_holidays(code):
        raise ValueError(
            f"{without_secrets(code)!r} is not a country. Allowed: two capital letters (ISO 3166), such as "
            f"US.{country_meant(code)}"
        )
    return code


def refuse_unknown_currency(code: str) -> str:
    """Return an ISO 4217 code if babel knows it. Raises ValueError.

    >>> refuse_unknown_currency("EUR")
    'EUR'
    """
    from babel.core import get_global

    currencies = get_global("all_currencies")
    if code not in currencies:
        raise ValueError(
            f"{without_secrets(code)!r} is not a currency. Allowed: three capital letters (ISO 4217), such as "
            f"EUR.{nearest(code.upper(), sorted(currencies))}"
        )
    return code


def country_meant(text: str) -> str:
    """Return `" Did you mean 'DE'?"` for a country's name or another code of it, or an empty string if none is similar.

    >>> country_meant("Germny"), country_meant("de"), country_meant("USA"), country_meant("XX")
    (" Did you mean 'DE'?", " Did you mean 'DE'?", " Did you mean 'US'?", '')
    """
    from babel import Locale
    from babel.core import get_global

    codes = {
        str(code): name
        for code, name in Locale("en").territories.items()
        if len(str(code)) == 2 and str(code).isalpha() and code not in _NO_COUNTRIES
    }
    others = get_global("territory_aliases").get(text.upper(), [])
    by_name = {name.casefold(): code for code, name in codes.items()}
    like = difflib.get_close_matches(text.casefold(), list(by_name), n=1, cutoff=0.75)
    meant = text.upper() if text.upper() in codes else others[0] if len(others) == 1 else like and by_name[like[0]]
    return f" Did you mean {meant!r}?" if meant else ""


def _has_holidays(code: str) -> bool:
    import holidays

    return len(code) == 2 and code in holidays.list_supported_countries(include_aliases=True)
