"""Tableau Server or Cloud: log in, find a project and data sources, publish, download. What it refuses is put in words.

The only module that knows tableauserverclient. The token is in no message: texts of the server and of libraries are
searched for it. Everything is tried again that another attempt can help, in a session of its own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from retail_assets.errors import PublishingError, PublishingUnreachableError, StorageError
from retail_assets.settings.tableau import TableauServer

if TYPE_CHECKING:
    import tableauserverclient as tsc

T = TypeVar("T")

_ATTEMPTS = 4
_FIRST_PAUSE = 2.0
_TRANSIENT = ("408", "429")
_LONGEST_TEXT = 300


@dataclass(frozen=True)
class Published:
    """A data source on the server."""

    id: str
    name: str
    description: str
    page: str | None
    updated: dt.datetime | None


class Session:
    """A login to a site, and the project there."""

    def __init__(self, client: tsc.Server, settings: TableauServer) -> None:
        self._client = client
        self._settings = settings
        self._project = self._find_project()

    def find(self, name: str) -> Published | None:
        """Return the data source of a name in the project, whatever its case; None if there is none."""
        import tableauserverclient as tsc

        with _explained(self._settings, f"list its data sources named {name!r}"):
            wanted = tsc.RequestOptions()
            wanted.filter.add(tsc.Filter(tsc.RequestOptions.Field.Name, tsc.RequestOptions.Operator.Equals, name))
            for item in tsc.Pager(self._client.datasources, wanted):
                if item.project_id == self._project and (item.name or "").casefold() == name.casefold():
                    return _published(item)
        return None

    def publish(self, path: Path, name: str, description: str, *, overwrite: bool) -> Published:
        """Publish a Hyper file as a data source. A large one goes in chunks, and appears when the last has come.

        Raises PublishingError if there is one of that name and `overwrite` is false.
        """
        import tableauserverclient as tsc

        item = tsc.DatasourceItem(self._project, name=name)
        item.description = description
        mode = tsc.Server.PublishMode.Overwrite if overwrite else tsc.Server.PublishMode.CreateNew
        with _explained(self._settings, f"publish {name!r}"):
            return _published(self._client.datasources.publish(item, path, mode))

    def download(self, published: Published, folder: Path) -> Path:
        """Download a data source with its extract into a folder; return the file, a .hyper or a .tdsx."""
        with _explained(self._settings, f"download {published.name!r}"):
            return Path(self._client.datasources.download(published.id, str(folder), include_extract=True))

    def _find_project(self) -> str:
        import tableauserverclient as tsc

        wanted = self._settings.project
        with _explained(self._settings, "list its projects"):
            projects = {item.id: item for item in tsc.Pager(self._client.projects)}
        paths = {id_: _path_of(item, projects) for id_, item in projects.items()}
        found = [id_ for id_, path in paths.items() if path == wanted] or [
            id_ for id_, item in projects.items() if item.name == wanted
        ]
        if len(found) == 1:
            return str(found[0])
        if found:
            raise PublishingError(
                f"{_place(self._settings)} has several projects {wanted!r}: "
                f"{', '.join(sorted(paths[id_] for id_ in found))}. Set RETAIL_TABLEAU_PROJECT to one of these."
            )
        raise PublishingError(
            f"{_place(self._settings)} has no project {wanted!r} that the owner of the token "
            f"{self._settings.token_name!r} sees. Set RETAIL_TABLEAU_PROJECT to one of: "
            f"{', '.join(sorted(paths.values())[:10]) or 'none'}; or create it there."
        )


def patiently(settings: TableauServer, work: Callable[[Session], T], pause: Callable[[float], None] = time.sleep) -> T:
    """Log in, do `work`, log out; again after a growing pause, at most three times, where another attempt can help.

    Raises
    ------
    PublishingUnreachableError
        No attempt helped.
    PublishingError
        The server refuses.
    """
    for attempt in range(_ATTEMPTS):
        try:
            with _session(settings) as session:
                return work(session)
        except PublishingUnreachableError:
            if attempt == _ATTEMPTS - 1:
                raise
            # Spread at random, because several runs may wait for the same server.
            pause(_FIRST_PAUSE * 2**attempt * random.uniform(0.75, 1.25))  # noqa: S311 - no secret
    raise AssertionError("unreachable")


def reach(settings: TableauServer) -> None:
    """Log in once, find the project, and log out. Raises PublishingError if that fails."""
    with _session(settings):
        pass


@contextlib.contextmanager
def _session(settings: TableauServer) -> Iterator[Session]:
    import tableauserverclient as tsc

    with _explained(settings, "state its version"):
        client = tsc.Server(settings.address, http_options={"timeout": settings.timeout})
        # Not by `use_server_version`, which goes on with an API that knows no tokens where the server fails to answer.
        about = client.server_info.get()
        if about is None or not about.rest_api_version:
            raise ValueError("no version")
        client.version = about.rest_api_version
    with _explained(settings, "log in", login=True):
        client.auth.sign_in(tsc.PersonalAccessTokenAuth(settings.token_name, settings.token, settings.site))
    try:
        yield Session(client, settings)
    finally:
        # A session that is not closed ends by itself; what was published is published.
        with contextlib.suppress(Exception):
            client.auth.sign_out()


def _published(item: Any) -> Published:
    return Published(item.id, item.name, item.description or "", item.webpage_url, item.updated_at)


def _path_of(item: Any, projects: Mapping[Any, Any]) -> str:
    """The names of a project and of those around it, joined by `/`."""
    names = [item.name]
    for _ in range(len(projects)):
        item = projects.get(item.parent_id)
        if item is None:
            break
        names.append(item.name)
    return "/".join(reversed(names))


def _place(settings: TableauServer) -> str:
    return f"{settings.address}{f' (site {settings.site})' if settings.site else ''}"


@contextlib.contextmanager
def _explained(settings: TableauServer, doing: str, *, login: bool = False) -> Iterator[None]:
    """Turn an error of the client into one that says what to do; without the token, whatever says it."""
    import requests
    import tableauserverclient as tsc
    from tableauserverclient.server.endpoint import exceptions
    from tableauserverclient.server.exceptions import EndpointUnavailableError as TooOld

    place = _place(settings)
    try:
        yield
    except PublishingError:
        raise
    except requests.exceptions.SSLError as e:
        raise PublishingError(
            f"{settings.address} has a certificate that is not trusted here ({_plain(e, settings)}). Set "
            "REQUESTS_CA_BUNDLE to the file of your company's certificates."
        ) from None
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as e:
        raise PublishingUnreachableError(
            f"{settings.address} did not answer when asked to {doing} ({type(e).__name__}, after at most "
            f"{settings.timeout:g} s). Check RETAIL_TABLEAU_SERVER, the network and HTTPS_PROXY; for slow ones raise "
            "RETAIL_TABLEAU_TIMEOUT or lower TSC_CHUNK_SIZE_MB. The extract is where it was."
        ) from None
    except exceptions.InternalServerError as e:
        raise PublishingUnreachableError(
            f"{place} failed to {doing} (HTTP {e.code}). Try again later; where it times out on large files, set "
            "TSC_CHUNK_SIZE_MB to a lower number, such as 10. The extract is where it was."
        ) from None
    except (tsc.FailedSignInError, tsc.NotSignedInError) as e:
        what = "refuses the token" if login else "ended the session of the token"
        raise PublishingError(
            f"{place} {what} {settings.token_name!r} ({_plain(e, settings)}). A token ends when it is revoked, unused "
            "for 15 days, or a year old. Create one under My Account Settings, and set RETAIL_TABLEAU_TOKEN_NAME and "
            "RETAIL_TABLEAU_TOKEN to its name and secret, and RETAIL_TABLEAU_SITE to the site it was created on."
        ) from None
    except tsc.ServerResponseError as e:
        raise _refusal(settings, doing, e) from None
    except requests.exceptions.RequestException as e:
        raise PublishingError(
            f"{settings.address} cannot be asked to {doing}: {_plain(e, settings)}. Check RETAIL_TABLEAU_SERVER."
        ) from None
    except OSError as e:
        raise StorageError(f"Cannot {doing}: {e.strerror or e}. Free some space, or set TMPDIR to another disk.") from e
    except (exceptions.TableauError, TooOld, SyntaxError, AttributeError, KeyError, ValueError) as e:
        # XML that is none (ParseError is a SyntaxError), or another XML than Tableau's.
        raise PublishingError(
            f"{settings.address} does not answer as Tableau does when asked to {doing} ({_plain(e, settings)}). Check "
            "RETAIL_TABLEAU_SERVER: the address without a path, and no login page of a proxy before it."
        ) from None


def _refusal(settings: TableauServer, doing: str, error: Any) -> PublishingError:
    """What an error code of the REST API means here; its first three digits are those of HTTP."""
    place, reason = _place(settings), _plain(error, settings)
    code = str(error.code)
    if code.startswith(_TRANSIENT):
        return PublishingUnreachableError(
            f"{place} is too busy to {doing} ({reason}). Try again later. The extract is where it was."
        )
    if code.startswith("403"):
        return PublishingError(
            f"The owner of the token {settings.token_name!r} may not {doing} on {place} ({reason}). They need the role "
            f"Creator or Explorer (can publish), and in the project {settings.project!r} the permissions to publish, "
            "overwrite and download. The extract is where it was."
        )
    if code.startswith("409"):
        return PublishingError(
            f"{place} cannot {doing}: the name is taken ({reason}). Set RETAIL_TABLEAU_NAME to another beginning of "
            "names, or rename or delete the other data source. The extract is where it was."
        )
    if code.startswith("404"):
        return PublishingError(
            f"{place} cannot {doing}: something it needs is not there ({reason}). Check RETAIL_TABLEAU_SITE and "
            "RETAIL_TABLEAU_PROJECT. The extract is where it was."
        )
    return PublishingError(f"{place} refuses to {doing} ({reason}). The extract is where it was.")


def _plain(error: BaseException, settings: TableauServer) -> str:
    """An error's text on one line, without the token."""
    text = re.sub(r"\s+", " ", str(error)).strip().replace(settings.token, "***")
    return text[:_LONGEST_TEXT] or type(error).__name__
