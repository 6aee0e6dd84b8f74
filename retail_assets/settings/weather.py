"""Where the shop is, and where weather forecasts come from: the `RETAIL_WEATHER_*` variables. The key is in no repr."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from retail_assets.errors import SettingsError, unusable, without_secrets
from retail_assets.settings.addresses import is_web_address, keeps_secrets

#: variable -> (default as shown to users, meaning)
VARIABLES: dict[str, tuple[str, str]] = {
    "RETAIL_WEATHER_LATITUDE": ("none", "latitude of the shop, such as 39.1031: turns on weather for the forecast"),
    "RETAIL_WEATHER_LONGITUDE": ("none", "its longitude, such as -84.5120"),
    "RETAIL_WEATHER_URL": ("Open-Meteo's own", "address of your own Open-Meteo server"),
    "RETAIL_WEATHER_API_KEY": ("none", "key of a subscription at Open-Meteo, which commercial use needs"),
}


@dataclass(frozen=True)
class WeatherSettings:
    """Where the shop is, in degrees, and what is asked for its weather: without `url`, Open-Meteo's own service."""

    latitude: float
    longitude: float
    url: str | None = None
    api_key: str | None = field(default=None, repr=False)


def load(environ: Mapping[str, str]) -> WeatherSettings | None:
    """Read and validate the settings; None if weather is off. Raises SettingsError."""
    values = {name: environ[name].strip() for name in VARIABLES if environ.get(name, "").strip()}
    if not values:
        return None
    needed = ("RETAIL_WEATHER_LATITUDE", "RETAIL_WEATHER_LONGITUDE")
    if missing := [name for name in needed if name not in values]:
        raise SettingsError(
            f"{min(values)} is set, and {' and '.join(missing)} {'are' if missing[1:] else 'is'} not. Set both to "
            "the place of the shop to use weather; or unset the others. See docs/forecast.md."
        )
    url = values.get("RETAIL_WEATHER_URL")
    if url is not None:
        if without_secrets(url) != url or "@" in url or "?" in url:
            raise SettingsError("RETAIL_WEATHER_URL must not contain credentials, nor a query. Set it to https://host.")
        if not is_web_address(url):
            raise unusable("RETAIL_WEATHER_URL", url, "an address such as https://weather.example.com")
    key = values.get("RETAIL_WEATHER_API_KEY")
    if key is not None and not re.match(r"[\w-]{1,200}\Z", key):
        raise SettingsError("RETAIL_WEATHER_API_KEY is not usable. Allowed: letters, digits, _ and -")
    # The key is in the query of each request.
    if key and url and not keeps_secrets(url):
        raise unusable("RETAIL_WEATHER_URL", url, "https://host, because RETAIL_WEATHER_API_KEY is sent there")
    return WeatherSettings(
        _degrees(needed[0], values[needed[0]], 90),
        _degrees(needed[1], values[needed[1]], 180),
        url.rstrip("/") if url else None,
        key,
    )


def _degrees(name: str, text: str, most: int) -> float:
    if not re.match(r"-?\d{1,3}(\.\d{1,6})?\Z", text) or abs(float(text)) > most:
        raise unusable(name, text, f"degrees from -{most} to {most}, with at most 6 decimals")
    return float(text)
