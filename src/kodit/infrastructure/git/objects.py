"""Reading our own repositories: trees, sizes, and the bytes of blobs. Nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kodit.infrastructure.git.runner import OFFLINE, run_git


class TreeEntry(NamedTuple):
    """An entry of a commit's tree, at any depth; `path` is decoded like a file name."""

    mode: str
    blob_id: str
    path: str

    @property
    def is_regular_file(self) -> bool:
        """Whether it is a file, executable or not, but no symbolic link or submodule."""
        return self.mode.startswith("100")

    @property
    def is_repository(self) -> bool:
        """Whether it is a submodule."""
        return self.mode == "160000"


def list_tree(clone_path: Path, commit: str) -> Iterator[TreeEntry]:
    """All entries of a commit except folders. Raises GitError if they cannot be read."""
    output = _read(clone_path, ["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit])
    for record in output.decode("utf-8", "surrogateescape").split("\0"):
        if record:
            # "<mode, 6 digits> <kind> <id, 40 digits>\t<path>"
            about, _, path = record.partition("\t")
            yield TreeEntry(about[:6], about[-40:], path)


def sizes_of(clone_path: Path, blob_ids: Sequence[str]) -> list[int | None]:
    """The size of each blob in bytes; None if the repository has no such blob."""
    if not blob_ids:
        return []
    output = _read(
        clone_path,
        ["cat-file", "--batch-check=%(objectsize)", "--buffer"],
        "\n".join(blob_ids).encode("ascii"),
    )
    lines = output.decode("ascii").splitlines()
    return [None if line.endswith("missing") else int(line) for line in lines]


def read_blobs(clone_path: Path, blob_ids: Sequence[str]) -> list[bytes | None]:
    """The bytes of each blob, in the order of `blob_ids`; None if the repository has no such blob.
    Raises GitError if the repository cannot be read.
    """
    if not blob_ids:
        return []
    output = memoryview(
        _read(
            clone_path,
            ["cat-file", "--batch", "--buffer"],
            "\n".join(blob_ids).encode("ascii"),
        )
    )
    blobs: list[bytes | None] = []
    position = 0
    for _ in blob_ids:
        # "<id> <kind> <size>\n<bytes>\n", or "<id> missing\n"
        end = position + bytes(output[position : position + 200]).index(b"\n")
        header = bytes(output[position:end]).split(b" ")
        position = end + 1
        if len(header) != 3:
            blobs.append(None)
            continue
        size = int(header[2])
        blobs.append(bytes(output[position : position + size]) if header[1] == b"blob" else None)
        position += size + 1
    return blobs


def _read(clone_path: Path, arguments: list[str], stdin: bytes = b"") -> bytes:
    return run_git(arguments, git_directory=clone_path, stdin=stdin, environment=OFFLINE)
