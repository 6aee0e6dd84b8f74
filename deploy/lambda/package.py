"""Build the Lambda package: `make lambda`, or `python deploy/lambda/package.py build/lambda`.

It holds the handler, the modules of retail_assets that it imports, and boto3 with what boto3 needs for S3, in the
versions of requirements.lock. All of it is pure Python, so one package fits x86_64 and arm64. It is compiled, and the
same sources give the same bytes. The folder gets `package/` (unzipped, for the container) and `retail-predictions.zip`.
"""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
ENTRY = "retail_assets.serving.aws_lambda"
DISTRIBUTION = "boto3"
ZIP = "retail-predictions.zip"
MOST_BYTES = 60 * 1024**2
#: Of botocore's 28 MB of service descriptions: what a client of S3 reads, and STS and SSO for its credentials.
_SERVICES = ("s3/", "sts/", "sso/", "sso-oidc/")
_LEFT_OUT = re.compile(
    r"(^|/)(__pycache__|tests?)/|\.(pyi|typed|dist-info/(RECORD|INSTALLER|REQUESTED|METADATA|WHEEL|top_level\.txt))$"
    r"|^(boto3/(data|dynamodb|ec2|examples)/|bin/|\.\./)"
)


def main(arguments: list[str]) -> int:
    """Build below the folder that is named and print what came of it."""
    folder = Path(arguments[0]) if arguments else ROOT / "build" / "lambda"
    package = build(folder)
    files = [path for path in package.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    print(f"{folder / ZIP}: {len(files)} files, {size / 1024**2:.1f} MB unzipped, compiled for python{version}")
    return 0


def build(folder: Path) -> Path:
    """Write the package and its zip below a folder; return the folder of the package.

    Raises SystemExit if a version is not that of requirements.lock, a file is compiled for one machine, or all of it
    has more than 60 MB.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as scratch:
        package = Path(scratch) / "package"
        distributions = list(_with_requirements(DISTRIBUTION))
        for distribution in distributions:
            _copy_distribution(distribution, package)
        _copy_modules(package)
        _compile(package)
        size = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
        if size > MOST_BYTES:
            raise SystemExit(f"The package has {size / 1024**2:.1f} MB, more than {MOST_BYTES // 1024**2} MB.")
        _zip(package, Path(scratch) / ZIP)
        shutil.rmtree(folder / "package", ignore_errors=True)
        os.replace(package, folder / "package")
        os.replace(Path(scratch) / ZIP, folder / ZIP)
    return folder / "package"


def _with_requirements(name: str, found: dict[str, None] | None = None) -> Iterator[importlib.metadata.Distribution]:
    """The installed distribution and all that it requires, each once."""
    found = {} if found is None else found
    key = canonicalize_name(name)
    if key in found:
        return
    found[key] = None
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise SystemExit(f"{name} is not installed: pip install -c requirements.lock -e '.[aws]'") from None
    locked = re.search(rf"^{re.escape(key)}==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    if locked is None or locked[1] != distribution.version:
        raise SystemExit(
            f"{name} {distribution.version} is not the version of requirements.lock: "
            "pip install -c requirements.lock -e '.[aws]'"
        )
    yield distribution
    for text in distribution.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from _with_requirements(requirement.name, found)


def _copy_distribution(distribution: importlib.metadata.Distribution, package: Path) -> None:
    for file in distribution.files or ():
        name = file.as_posix()
        if _LEFT_OUT.search(name) or (name.startswith("botocore/data/") and not _is_needed(name)):
            continue
        if name.endswith((".so", ".pyd", ".dylib")):
            raise SystemExit(f"{name} is compiled for this machine; Lambda's may be another.")
        target = package / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(file.locate()), target)


def _is_needed(name: str) -> bool:
    rest = name.removeprefix("botocore/data/")
    return "/" not in rest or rest.startswith(_SERVICES)


def _copy_modules(package: Path) -> None:
    available = set(sys.stdlib_module_names) | {path.name.removesuffix(".py") for path in package.iterdir()}
    modules = _Modules(available)
    for module in sorted(modules.reached(ENTRY)):
        source = modules.path(module)
        assert source is not None  # noqa: S101 - it was read
        target = package / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    shutil.copyfile(ROOT / "LICENSE", package / "retail_assets" / "LICENSE")


class _Modules:
    """Which modules of retail_assets a module imports, itself, through others, and inside functions.

    A module that cannot be imported without a package that is not there is left out: the Azure store, for one.
    """

    def __init__(self, available: set[str]) -> None:
        self._available = available
        self._imports: dict[str, tuple[set[str], set[str]]] = {}

    def path(self, module: str) -> Path | None:
        """The file of a module of this project, or None."""
        base = ROOT.joinpath(*module.split("."))
        for path in (base / "__init__.py", base.with_suffix(".py")):
            if path.is_file():
                return path
        return None

    def reached(self, entry: str) -> set[str]:
        """Return the modules that the package has for an entry."""
        found: set[str] = set()
        waiting = [entry]
        while waiting:
            module = waiting.pop()
            if module in found:
                continue
            found.add(module)
            at_once, later = self._of(module)
            own = {name for name in at_once | later if name.startswith("retail_assets")}
            waiting += [name for name in own if self._fits(name, frozenset())]
        return found

    def _fits(self, module: str, above: frozenset[str]) -> bool:
        if module in above:
            return True
        at_once, _ = self._of(module)
        return all(
            self._fits(name, above | {module})
            if name.startswith("retail_assets")
            else name.partition(".")[0] in self._available
            for name in at_once
        )

    def _of(self, module: str) -> tuple[set[str], set[str]]:
        """What a module imports when it is imported, its packages among it, and what it imports later."""
        if module not in self._imports:
            path = self.path(module)
            assert path is not None, module  # noqa: S101 - only files are asked about
            parts = module.split(".")
            at_once, later = {".".join(parts[:n]) for n in range(1, len(parts))}, set[str]()
            for node, is_later in _import_nodes(ast.parse(path.read_bytes()), False):
                (later if is_later else at_once).update(self._named(node))
            self._imports[module] = at_once, later
        return self._imports[module]

    def _named(self, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif node.module:
            yield node.module
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                if below.startswith("retail_assets.") and self.path(below):
                    yield below


def _import_nodes(node: ast.AST, is_later: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, is_later
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        else:
            yield from _import_nodes(child, is_later or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


def _compile(package: Path) -> None:
    """Compile each module for this Python; a package that another Python runs is compiled there in memory.

    Lambda's zip has no times to compare with, so that the bytecode is marked as always valid.
    """
    command = [sys.executable, "-m", "compileall", "-q", "-f", "-j", "1", "--invalidation-mode", "unchecked-hash"]
    environ = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run([*command, "-s", str(package), str(package)], check=True, env=environ, timeout=300)  # noqa: S603


def _zip(package: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(path for path in package.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(package).as_posix(), (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
