"""What runs by itself inside Dagster: the variable `RETAIL_AUTOMATION`."""

from __future__ import annotations

from collections.abc import Mapping

from retail_assets.errors import SettingsError, nearest, unusable

#: Each landing that changed becomes a run; what is computed from the sales follows them; models are retrained weekly.
LANDINGS, FOLLOW_SALES, RETRAINING = "landings", "follow_sales", "retraining"
_PARTS = (LANDINGS, FOLLOW_SALES, RETRAINING)
#: An ordinary run retrains as well, if it is due, so `on` leaves the weekly schedules out.
_ON = frozenset({LANDINGS, FOLLOW_SALES})
_ALLOWED = f"on, off, or some of {', '.join(_PARTS)}, joined by commas"

_SWITCHED_BY_PLACE = {
    "alerts": "alerts are on as soon as RETAIL_ALERT_WEBHOOK, RETAIL_ALERT_SMTP or RETAIL_ALERT_COMMAND is set",
    "lineage": "lineage is on as soon as RETAIL_LINEAGE_URL is set",
}

#: variable -> (default as shown to users, meaning)
VARIABLES: dict[str, tuple[str, str]] = {
    "RETAIL_AUTOMATION": (
        "off",
        f"what Dagster's daemon starts by itself: on ({LANDINGS},{FOLLOW_SALES}), off, or some of {', '.join(_PARTS)}",
    ),
}


def load(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the parts that are on. Raises SettingsError for a word that is none of them.

    >>> sorted(load({"RETAIL_AUTOMATION": "on"})), load({})
    (['follow_sales', 'landings'], frozenset())
    """
    text = environ.get("RETAIL_AUTOMATION", "").strip()
    words = [word.strip().lower() for word in text.split(",")]
    if words in ([""], ["off"]):
        return frozenset()
    if words == ["on"]:
        return _ON
    for word in words:
        if switch := _SWITCHED_BY_PLACE.get(word):
            raise SettingsError(
                f"RETAIL_AUTOMATION={text!r}: {switch}. That needs no other switch. Allowed: {_ALLOWED}."
            )
        if word not in _PARTS:
            raise unusable("RETAIL_AUTOMATION", text, f"{_ALLOWED}.{nearest(word, _PARTS)}")
    return frozenset(words)
