"""Special files in a data directory where regular files are expected: nothing waits for them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.command import KoditCommand

from kodit.domain.errors import UserError
from kodit.infrastructure.data_directory import check_data_directory, make_data_directory
from kodit.infrastructure.locks import open_lock_file
from kodit.infrastructure.resident.starting import start_server, why_it_ended

FILES = (
    *("kodit.db", "kodit.db-wal", "write.lock", "write.turn", "savings.json", "savings.lock"),
    *("server.lock", "server.log", "server.log.1", "server.place"),
)
DEEPER = (
    *("keyword/keyword.lock", "keyword/7/meta.json", "vectors/1-2.pack", "credentials/abc"),
    *("watch/1.json", "workers/host-1.lock", "clones/.1.git.lock"),
)


def make_pipe(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(socket.socket(socket.AF_UNIX)) as bound:
        bound.bind(str(path))


def sentence_about(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        check_data_directory(folder)
    assert caught.value.code == "data_dir_unusable"
    return str(caught.value)


@pytest.mark.parametrize("name", [*FILES, *DEEPER])
@pytest.mark.parametrize("make", [make_pipe, make_socket])
def test_neither_a_file_nor_a_folder(
    tmp_path: Path, name: str, make: Callable[[Path], object]
) -> None:
    make(tmp_path / name)
    assert f"{tmp_path / name} is neither a file nor a folder" in sentence_about(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_the_place_of_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert f"{tmp_path / name} is a folder" in sentence_about(tmp_path)


@pytest.mark.parametrize("name", ["clones", "keyword", "vectors", "workers", "watch"])
def test_a_file_in_the_place_of_a_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert f"{tmp_path / name} is a file" in sentence_about(tmp_path)


def test_files_made_by_kodit_are_accepted(tmp_path: Path) -> None:
    """Including files of other programs, which are ignored."""
    make_data_directory(tmp_path)
    make_socket(tmp_path / "server.sock")
    make_pipe(tmp_path / "pipe of somebody else")
    (tmp_path / "keyword" / "7").mkdir(parents=True)
    check_data_directory(tmp_path)


@pytest.mark.parametrize("make", [make_pipe, make_socket, Path.mkdir])
def test_a_lock_that_is_no_file(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "a.lock")
    with pytest.raises(UserError, match="is not a file; move it away"):
        open_lock_file(tmp_path / "a.lock")


def test_a_log_that_is_no_file(tmp_path: Path) -> None:
    """A user who starts a server is told, and the server does not wait for a reader."""
    make_pipe(tmp_path / "server.log")
    with pytest.raises(UserError, match="is not a file; move it away"):
        start_server(tmp_path)
    assert why_it_ended(tmp_path) is None


def test_the_command_says_so(tmp_path: Path) -> None:
    make_pipe(tmp_path / "server.lock")
    result = KoditCommand(tmp_path).run_here("serve", "--no-tcp")
    assert result.code == 2
    assert "server.lock is neither a file nor a folder; move it away" in result.err
