"""Bundles at an address: the pointer is read, the files are fetched, verified against the manifest, and opened.

A bundle in a local folder is read where it is. A remote one is copied to a local folder first, which holds at most the
bundles in use; what lies there is verified as well before it is opened. Nothing of a bundle is trusted before that.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from retail_assets.errors import StorageError
from retail_assets.serving.errors import BadBundleError, BadRequestError, NoBundleError
from retail_assets.serving.manifest import (
    DATABASE,
    FILES,
    MANIFEST,
    MODEL,
    MOST_BYTES,
    MOST_MANIFEST_BYTES,
    POINTER,
    File,
    Manifest,
    Pointer,
    key,
    read_manifest,
    read_pointer,
)
from retail_assets.serving.open_bundle import OpenBundle
from retail_assets.storage import Store

_CHUNK = 1024**2
_KEPT = 2
"""Copies of remote bundles that stay: the one in use, and the one before, which questions may still be asked of."""


class BundleAddress:
    """The folder of a source's bundles, such as `.retail/serving/retail_sales` or `s3://bucket/serving/retail_sales`.

    Args:
        uri: a path, `file:///…` or `s3://…`.
        cache: local folder for copies of remote bundles; by default one of this user below the system's temporary
            folder.
        most_bytes: size of a bundle that is accepted.
    """

    def __init__(self, uri: str, cache: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
        self.store = Store(_location(uri))
        self._cache = cache
        self._most_bytes = most_bytes

    @property
    def uri(self) -> str:
        return self.store.uri

    def pointer(self) -> Pointer:
        """Read which bundle is in use. Raises NoBundleError, BadBundleError, StorageError."""
        where = self.store.uri_of(POINTER)
        data = self._read(POINTER)
        if data is None:
            raise NoBundleError(f"There is no bundle at {self.uri} yet. Materialize the asset serving_bundle.")
        return read_pointer(data, where)

    def open(self, version: str) -> OpenBundle:
        """Fetch, verify and open a bundle.

        Raises:
            BadBundleError: it is missing, incomplete, changed, too large, of another format, or hostile.
            StorageError: the address does not answer, or the local disk is full.
        """
        where = self.store.uri_of(key(version, MANIFEST))
        data = self._read(key(version, MANIFEST))
        if data is None:
            raise BadBundleError(f"{where} is missing. Materialize serving_bundle again.")
        manifest = read_manifest(data, version, where, self._most_bytes)
        folder = self._local(manifest) if self.store.is_local else self._fetched(manifest)
        return OpenBundle(manifest, folder / DATABASE, _verified(folder / MODEL, manifest.files[MODEL], keep=True))

    def _read(self, name: str) -> bytes | None:
        """A small file, or None if it is missing; one that is too large is damaged."""
        try:
            with self.store.open(name) as file:
                data = file.read(MOST_MANIFEST_BYTES + 1)
        except StorageError:
            if self.store.exists(name):
                raise
            return None
        if len(data) > MOST_MANIFEST_BYTES:
            raise BadBundleError(
                f"{self.store.uri_of(name)} is too large for what it is. Materialize serving_bundle again."
            )
        return data

    def _local(self, manifest: Manifest) -> Path:
        folder = self.store.local_path(key(manifest.version, DATABASE)).parent
        _verified(folder / DATABASE, manifest.files[DATABASE])
        return folder

    def _fetched(self, manifest: Manifest) -> Path:
        """The folder of a verified copy."""
        root = self._own_folder()
        folder = root / manifest.version
        with _disk_errors(root):
            folder.mkdir(mode=0o700, exist_ok=True)
            for name in FILES:
                try:
                    _verified(folder / name, manifest.files[name])
                except BadBundleError:
                    self._download(key(manifest.version, name), folder / name, manifest.files[name])
            os.utime(folder)
            _forget_all_but(root, manifest.version)
        return folder

    def _download(self, name: str, target: Path, expected: File) -> None:
        """Copy a file; it is there whole and verified, or not at all."""
        digest, size = hashlib.sha256(), 0
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".part-", delete=False) as part:
            try:
                with self.store.open(name) as source:
                    while chunk := source.read(min(_CHUNK, expected.bytes - size + 1)):
                        size += len(chunk)
                        if size > expected.bytes:
                            break
                        digest.update(chunk)
                        part.write(chunk)
                part.flush()
                if size != expected.bytes or digest.hexdigest() != expected.sha256:
                    raise _differs(self.store.uri_of(name))
                os.replace(part.name, target)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(part.name)
                raise

    def _own_folder(self) -> Path:
        """The folder of copies: of this user alone, so that nobody else can put a bundle there."""
        root = self._cache or Path(tempfile.gettempdir()) / f"retail-assets-serving-{_user()}"
        name = hashlib.sha256(self.uri.encode()).hexdigest()[:16]
        with _disk_errors(root):
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            about = root.lstat()
            if not stat.S_ISDIR(about.st_mode) or (hasattr(os, "getuid") and about.st_uid != os.getuid()):
                raise StorageError(f"{root} is not a folder of this user. Remove it, or give another cache.")
            (root / name).mkdir(mode=0o700, exist_ok=True)
        return root / name


def _location(uri: str) -> str:
    """What a `Store` opens: a path for `file://`."""
    if not isinstance(uri, str) or not uri.strip() or "\0" in uri:
        raise BadRequestError("The address of the bundles is empty. Give a folder, file:///… or s3://bucket/prefix.")
    scheme, mark, rest = uri.partition("://")
    if not mark:
        return str(Path(uri).expanduser().absolute())
    if scheme == "file":
        path = urllib.parse.unquote(rest)
        if not path.startswith("/"):
            raise BadRequestError(f"{uri!r} is not the address of a folder. Write file:///absolute/folder.")
        return path.rstrip("/") or "/"
    if scheme not in ("s3", "abfs"):
        raise BadRequestError(f"{scheme}:// cannot be read. Give a folder, file:///…, s3://… or abfs://…")
    return uri.rstrip("/")


def _verified(path: Path, expected: File, *, keep: bool = False) -> bytes:
    """Compare a local file with the manifest; return its bytes if they are to be kept. Raises BadBundleError."""
    digest, kept = hashlib.sha256(), []
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_size != expected.bytes:
                raise _differs(str(path))
            for chunk in _chunks(file):
                digest.update(chunk)
                if keep:
                    kept.append(chunk)
    except OSError as e:
        raise BadBundleError(f"{path} cannot be read ({e.strerror}). Materialize serving_bundle again.") from None
    if digest.hexdigest() != expected.sha256:
        raise _differs(str(path))
    return b"".join(kept)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _differs(where: str) -> BadBundleError:
    return BadBundleError(
        f"{where} is not as its manifest says: it is cut off or was changed. Materialize serving_bundle again."
    )


def _forget_all_but(root: Path, version: str) -> None:
    """Remove older copies, but the latest; a process that reads one goes on, because its files are open."""
    others = sorted((p for p in root.iterdir() if p.name != version), key=lambda p: p.stat().st_mtime, reverse=True)
    for folder in others[_KEPT - 1 :]:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise StorageError(
            f"A bundle cannot be copied to {folder}: {e.strerror or e}. Make space there, or give another cache."
        ) from None


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else "user"
