"""A key is made once, whole, and readable by its owner only."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from retail_assets.errors import SettingsError
from retail_assets.storage.secret_keys import KeyPlace


def place(path: Path, secret: str | None = None) -> KeyPlace:
    return KeyPlace(secret, path, "RETAIL_A_KEY", "The key", "nothing works")


def _make(path: Path) -> bytes | None:
    return place(path).key(create=True)


def test_processes_that_make_it_at_once_have_the_same(tmp_path: Path) -> None:
    """One that came second read a file that the first had not written yet, and called it damaged."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        for number in range(30):
            made = pool.map(_make, [tmp_path / f"{number}.key"] * 4, chunksize=1)
            assert len(set(made)) == 1
            assert made[0] == place(tmp_path / f"{number}.key").key(create=False)
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 30


def test_a_process_that_was_killed_while_making_it_leaves_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        place(tmp_path / "a.key").key(create=True)
    monkeypatch.undo()
    assert place(tmp_path / "a.key").key(create=False) is None
    assert place(tmp_path / "a.key").key(create=True) == place(tmp_path / "a.key").key(create=False)


@pytest.mark.parametrize("content", [b"", b"abc", b"\xff\xfe", b"00" * 31])
def test_a_damaged_one_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.key").write_bytes(content)
    with pytest.raises(SettingsError, match="without it, nothing works"):
        place(tmp_path / "a.key").key(create=True)


def test_the_setting_comes_first_and_no_file_is_made(tmp_path: Path) -> None:
    one, other = (place(tmp_path / "a.key", secret).key(create=True) for secret in ("one secret", "other secret"))
    assert one != other
    assert not (tmp_path / "a.key").exists()


def test_a_folder_where_nobody_may_write_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(SettingsError, match="cannot be used"):
        place(tmp_path / "home" / "a.key").key(create=True)
