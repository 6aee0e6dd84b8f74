"""The signs that stand for a currency: in amounts ("R$ 10", "10 kr") and in a column of currencies ("US$")."""

from __future__ import annotations

import functools
from collections.abc import Iterable

#: Signs by currency (ISO 4217): what CLDR gives in the languages of its countries, and how shops write it besides.
_SIGNS: dict[str, tuple[str, ...]] = {
    "AED": ("Dhs", "Dh", "د.إ"),
    "ARS": ("$", "AR$"),
    "AUD": ("$", "A$", "AU$", "AU $"),
    "BDT": ("৳", "Tk", "Tk."),
    "BGN": ("лв", "лв."),
    "BRL": ("R$",),
    "CAD": ("$", "C$", "CA$", "C $"),
    "CHF": ("Fr.", "Fr", "SFr.", "SFr"),
    "CLP": ("$", "CLP$"),
    "CNY": ("¥", "￥", "CN¥", "元", "RMB"),
    "COP": ("$", "COL$"),
    "CZK": ("Kč", "Kc"),
    "DKK": ("kr", "kr."),
    "EGP": ("E£", "ج.م"),
    "EUR": ("€",),
    "GBP": ("£",),
    "GHS": ("₵", "GH₵"),
    "HKD": ("$", "HK$"),
    "HUF": ("Ft",),
    "IDR": ("Rp", "Rp."),
    "ILS": ("₪",),
    "INR": ("₹", "Rs.", "Rs"),
    "ISK": ("kr", "kr."),
    "JPY": ("¥", "￥", "JP¥", "円"),
    "KES": ("KSh",),
    "KRW": ("₩", "￦", "원"),
    "KWD": ("KD", "د.ك"),
    "LKR": ("Rs.", "Rs", "රු."),
    "MXN": ("$", "MX$"),
    "MYR": ("RM",),
    "NGN": ("₦",),
    "NOK": ("kr", "kr."),
    "NPR": ("Rs.", "Rs", "रु"),
    "NZD": ("$", "NZ$"),
    "PEN": ("S/", "S/."),
    "PHP": ("₱",),
    "PKR": ("Rs.", "Rs", "₨"),
    "PLN": ("zł", "zl"),
    "RON": ("lei", "leu"),
    "RUB": ("₽", "руб", "руб."),
    "SAR": ("SR", "ر.س"),
    "SEK": ("kr", "kr."),
    "SGD": ("$", "S$"),
    "THB": ("฿",),
    "TRY": ("₺", "TL"),
    "TWD": ("NT$",),
    "UAH": ("₴", "грн", "грн."),
    "USD": ("$", "US$", "US $"),
    "VND": ("₫", "đ"),
    "ZAR": ("R",),
}

#: Currencies that are known by name.
CURRENCIES = tuple(_SIGNS)


def signs_of(currency: str) -> tuple[str, ...]:
    """Return the signs of a currency (ISO 4217); none for a currency without a sign of its own.

    >>> signs_of("BRL"), signs_of("XAF")
    (('R$',), ())
    """
    return _SIGNS.get(currency, ())


@functools.cache
def known_signs() -> frozenset[str]:
    """Return every sign and every code of a currency, in capitals."""
    return frozenset(text.upper() for code, signs in _SIGNS.items() for text in (code, *signs))


def unshared(currencies: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return, for each of some currencies, its code and those of its signs that none of the others has.

    >>> unshared(["USD", "CAD"])["USD"]
    ('USD', 'US$', 'US $')
    """
    codes = tuple(dict.fromkeys(currencies))
    return {
        code: (code, *(s for s in signs_of(code) if not any(s in signs_of(o) for o in codes if o != code)))
        for code in codes
    }
