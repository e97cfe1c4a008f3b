"""The callers of a sample of definitions, as a language server reports them.

    python -m benchmarks.callers FOLDER TRUTH --suffix .go [--sample 150] -- gopls

Writes TRUTH, which `benchmarks.references` reads. The server is any that speaks the Language Server
Protocol on standard input and output and knows `documentSymbol`, `references` and `definition`. A
name that a bracket follows is a call of the definition that the server gives for it. Calls whose
definition it does not know are recorded as unknown, and so are those through an interface or a base
class, which may reach several. Overloaded functions are not sampled.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

FUNCTIONS = frozenset({6, 9, 12})
"""The protocol's numbers for methods, constructors and functions."""

MOST_CALLS = 60
"""Definitions whose name is called more often are not sampled: each call costs a question."""

ANSWER_SECONDS = 120.0
QUIET_SECONDS = 8.0
"""A server that has sent nothing for so long after its start has read the folder."""

CALLED = re.compile(r"\s*(?:!\s*)?(?:::\s*)?(?:<[^;{}()]{0,200}>\s*)?\(")

COMMENTS = ("//", "*", "/*")
"""How lines of comments begin: some servers resolve names in them too."""

LANGUAGES = {
    "ts": "typescript",
    "tsx": "typescriptreact",
    "js": "javascript",
    "go": "go",
    "php": "php",
    "c": "c",
    "h": "cpp",
    "cc": "cpp",
    "cpp": "cpp",
    "rs": "rust",
    "py": "python",
    "rb": "ruby",
    "java": "java",
}
"""The protocol's names of languages, by extension."""

Place = tuple[str, int]


Position = tuple[str, int, int]
"""A path, a line and a column, from 0."""


class Named(NamedTuple):
    """A function or a call of one, and where its name and all of it begin: servers give either as
    the place of a definition.
    """

    name: str
    place: Position
    whole: Position

    @property
    def path(self) -> str:
        return self.place[0]

    @property
    def line(self) -> int:
        """As people count."""
        return self.place[1] + 1


class Server:
    """A language server in a process of its own, for the files of one folder."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._received: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._number = 0
        threading.Thread(target=self._receive, daemon=True).start()
        root = self.uri("")
        capabilities = {
            "textDocument": {"documentSymbol": {"hierarchicalDocumentSymbolSupport": True}},
            "workspace": {"configuration": True, "workspaceFolders": True},
            "window": {"workDoneProgress": True},
        }
        self.ask(
            "initialize",
            processId=None,
            rootUri=root,
            rootPath=str(folder),
            workspaceFolders=[{"uri": root, "name": folder.name}],
            capabilities=capabilities,
        )
        self.tell("initialized")

    def uri(self, path: str) -> str:
        return f"file://{quote(str(self.folder / path))}"

    def path(self, uri: str) -> str | None:
        """The path in the folder, or None for a file elsewhere."""
        path = Path(unquote(urlsplit(uri).path))
        return path.relative_to(self.folder).as_posix() if self.folder in path.parents else None

    def tell(self, method: str, **parameters: Any) -> None:
        self._send({"method": method, "params": parameters})

    def ask(self, method: str, **parameters: Any) -> Any:
        """The result, or None if the server reports an error."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": parameters})
        end = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < end:
            message = self._next(end - time.monotonic())
            if message is not None and message.get("id") == self._number:
                return message.get("result")
        return None

    def wait_until_quiet(self) -> None:
        while self._next(QUIET_SECONDS) is not None:
            pass

    def open(self, path: str, text: str) -> None:
        language = LANGUAGES.get(path.rpartition(".")[2], "plaintext")
        document = {"uri": self.uri(path), "languageId": language, "version": 1, "text": text}
        self.tell("textDocument/didOpen", textDocument=document)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()

    def _next(self, seconds: float) -> dict[str, Any] | None:
        """The next message; the server's own questions are answered with nothing."""
        try:
            message = self._received.get(timeout=max(0.0, seconds))
        except Empty:
            return None
        if "method" in message and "id" in message:
            items = message.get("params", {}).get("items", ())
            result = [None for _ in items] if message["method"].endswith("configuration") else None
            self._send({"id": message["id"], "result": result})
            return {}
        return message

    def _send(self, message: Mapping[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self._process.stdin.flush()

    def _receive(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while header := stream.readline():
            size = 0
            while header.strip():
                name, _, value = header.partition(b":")
                size = int(value) if name.lower() == b"content-length" else size
                header = stream.readline()
            self._received.put(json.loads(stream.read(size)))


def functions(server: Server, path: str) -> Iterator[Named]:
    """The functions of a file, in order."""
    symbols = server.ask("textDocument/documentSymbol", textDocument={"uri": server.uri(path)})
    todo = list(symbols or ())
    while todo:
        symbol = todo.pop()
        todo += symbol.get("children") or ()
        place = symbol.get("selectionRange") or symbol["location"]["range"]
        name = re.split(r"[.:(]+", symbol["name"].rstrip(")"))
        bare = name[-1] if len(name) == 1 or not symbol["name"].endswith(")") else name[-2]
        if symbol["kind"] in FUNCTIONS and bare.isidentifier():
            whole = symbol.get("range", place)["start"]
            start = place["start"]
            yield Named(
                bare,
                (path, start["line"], start["character"]),
                (path, whole["line"], whole["character"]),
            )


def places_of(server: Server, method: str, place: Position, **more: Any) -> set[Position]:
    """The places in the folder that the server gives for a name."""
    path, line, column = place
    found = server.ask(
        f"textDocument/{method}",
        textDocument={"uri": server.uri(path)},
        position={"line": line, "character": column},
        **more,
    )
    places = set()
    for one in [found] if isinstance(found, dict) else found or ():
        within = server.path(one.get("uri") or one["targetUri"])
        start = (one.get("range") or one["targetSelectionRange"])["start"]
        places.add((within or "", start["line"], start["character"]))
    return places


def calls_of(name: str, texts: Mapping[str, Sequence[str]]) -> list[Position]:
    """Where the name is followed by a bracket."""
    word = re.compile(rf"(?<![\w$]){re.escape(name)}(?=[\s!<(:])")
    return [
        (path, number, match.start())
        for path, lines in texts.items()
        for number, line in enumerate(lines)
        if name in line and not line.lstrip().startswith(COMMENTS)
        for match in word.finditer(line)
        if CALLED.match(line, match.end())
    ]


def truth_of(server: Server, named: Named, calls: Iterable[Position]) -> dict[str, Any]:
    """The entry of one definition; `calls` are those of its name."""
    context = {"includeDeclaration": False}
    references = places_of(server, "references", named.place, context=context)
    # A prototype and its function lead to each other.
    own = {named.place, named.whole, *places_of(server, "definition", named.place)}
    true: set[Place] = set()
    unknown: set[Place] = set()
    for call in calls:
        defined = places_of(server, "definition", call)
        place = call[0], call[1] + 1
        if own & defined:
            true.add(place)
        elif not defined or call in references:
            unknown.add(place)
    return {
        "name": named.name,
        "path": named.path,
        "line": named.line,
        "true": sorted(true),
        "unknown": sorted(unknown - true),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("truth", type=Path, metavar="TRUTH")
    parser.add_argument("--suffix", action="append", required=True, help="of the files to read")
    parser.add_argument("--sample", type=int, default=150, metavar="N")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="that starts the server")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    texts = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8", "replace").split("\n")
        for path in sorted(folder.rglob("*"))
        if path.name.endswith(tuple(arguments.suffix)) and path.is_file()
    }
    server = Server(arguments.command, folder)
    for path, lines in texts.items():
        server.open(path, "\n".join(lines))
    server.wait_until_quiet()
    found = [named for path in texts for named in functions(server, path)]
    declared = {named.place for named in found}
    random.Random(arguments.seed).shuffle(found)  # noqa: S311 - a sample
    rows: list[dict[str, Any]] = []
    for named in found:
        calls = calls_of(named.name, texts)
        calls = [call for call in calls_of(named.name, texts) if call not in declared]
        same = sum((one.name, one.path) == (named.name, named.path) for one in found)
        if not 1 < len(calls) <= MOST_CALLS or same > 1:
            continue
        row = truth_of(server, named, calls)
        if row["true"]:
            rows.append(row)
        if len(rows) == arguments.sample:
            break
    server.close()
    arguments.truth.write_text(json.dumps({"files": list(texts), "definitions": rows}))
    true, unknown = (sum(len(row[what]) for row in rows) for what in ("true", "unknown"))
    print(f"{len(rows)} of {len(found)} functions, {true} calls, {unknown} unknown")


if __name__ == "__main__":
    main()
