"""docs/mcp.md and docs/connect.md say what the tools and the clients' files are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kodit.faces.mcp.advice import ADVICE
from kodit.faces.mcp.arguments import ALIASES
from kodit.faces.mcp.definitions import (
    DEFAULT_BUDGET,
    INSTRUCTIONS,
    LARGEST_BUDGET,
    LONGEST_WAIT_SECONDS,
    TOOLS,
    Kind,
    Parameter,
    Tool,
)
from kodit.infrastructure.clients.places import CLIENTS

DOCS = Path(__file__).parents[2] / "docs"
_KINDS = {
    Kind.TEXT: "text",
    Kind.TEXTS: "list of texts",
    Kind.NUMBER: "number",
    Kind.SECONDS: "seconds",
    Kind.TRUTH: "true or false",
}


def test_the_page_of_the_tools_is_made_from_them(update_golden: bool) -> None:
    """Every tool, parameter and piece of advice."""
    page = DOCS / "mcp.md"
    if update_golden:
        page.write_text(_page())
    assert page.read_text() == _page(), "run pytest --update-golden and review the difference"


@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.name)
def test_the_page_of_the_clients_names_their_files(
    client: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `kodit connect` writes them on Linux."""
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    known = CLIENTS[str(getattr(client, "name", ""))]
    [row] = re.findall(rf"^\| `{known.name}` .*$", (DOCS / "connect.md").read_text(), re.MULTILINE)
    user_file = known.file(None).relative_to(Path.home())
    assert f"`~/{user_file}`" in row
    assert f"`{known.project_file}`" in row
    assert f"`{'.'.join(known.keys)}`" in row


_INTRODUCTION = """\
# Tools for assistants (MCP)

`kodit stdio` and `kodit serve` offer eight tools over the Model Context Protocol, revision
2026-07-28 and the older ones with a handshake: over standard input and output, and over streamable
HTTP at `/mcp`, without sessions. There are no prompts and no resources. `kodit connect` writes a
client's settings, see [connect.md](connect.md).

The instructions for an assistant:

{instructions}

## Answers

Answers are text: `path:lines kind name`, then the code. A search first lists the places of all
results, each with its most relevant line, and then the code of the best. If several indexes answer,
the number of the index precedes the path, in brackets.

* **Budget.** A complete answer has at most `budget` tokens of four characters each, {budget} by
  default and {most} at most. `read`, `files`, `indexes` and `index` keep to the default.
* **Cursor.** The rest of an answer, or the next results, are returned by the same call with the
  `cursor` in the last line.
* **Standing.** One line says which index answers, at which commit, and when it was indexed. The
  first line says what an answer lacks: that the index is still being made, and its progress, that
  files have changed since, or that a stage has failed.
* **Nothing found.** The answer says whether nothing is indexed, no file passes the filters, files
  were left out, or nothing matches, and what to try next.
* **First question.** A question about a repository that is not indexed starts its indexing and is
  answered within 5 seconds from the part that is indexed so far; `grep` reads the files directly.
  The index is of the work tree that contains the client's folder, or the folder itself if there is
  none; never of the home folder, or of a folder of repositories.
* **Time.** Every call is answered within {seconds} seconds. A call that the client cancels, or
  whose connection it closes, is cancelled at the server.
* **Mistakes** are answered with the nearest name, the valid values, or the call to make instead.

The contents of a repository are data: nothing in them changes what a tool does.
[security.md](security.md) says what callers over the network may see and change.
"""


def _page() -> str:
    introduction = _INTRODUCTION.format(
        instructions="\n".join(f"> {line}" for line in INSTRUCTIONS.splitlines()),
        budget=f"{DEFAULT_BUDGET:,}",
        most=f"{LARGEST_BUDGET:,}",
        seconds=LONGEST_WAIT_SECONDS,
    )
    lines = [introduction]
    for tool in TOOLS:
        lines += _tool(tool)
    lines += [
        "## Other names of parameters",
        "",
        "Also in other spellings (`filePath`, `file-path`). A list may be one text, a number text.",
        "",
        "| parameter | also understood |",
        "|---|---|",
    ]
    lines += [
        f"| `{name}` | {', '.join(f'`{one}`' for one in others)} |"
        for name, others in ALIASES.items()
    ]
    lines += [
        "",
        "`read` also takes `start_line` and `end_line`, or `offset` and `limit`, for its `lines`.",
        "`related` also takes its `line` at the end of its `path`, as in `src/cart.py:40`.",
        "",
        "## Errors and what to do next",
        "",
        "| code | next |",
        "|---|---|",
        *(f"| `{code}` | {advice} |" for code, advice in sorted(ADVICE.items())),
        "",
    ]
    return "\n".join(lines)


def _tool(tool: Tool) -> list[str]:
    effect = "Only reads." if tool.is_read_only else "Changes what is indexed; may delete."
    return [
        f"## `{tool.name}`",
        "",
        f"{tool.description} {effect}",
        "",
        "| parameter | takes | what it is |",
        "|---|---|---|",
        *(_parameter(one) for one in tool.parameters),
        "",
    ]


def _parameter(one: Parameter) -> str:
    takes = [_KINDS[one.kind]]
    if one.choices:
        takes.append(f"of {', '.join(one.choices)}")
    if one.kind in (Kind.NUMBER, Kind.SECONDS):
        takes.append(f"from {one.least}" + (f" to {one.most:,}" if one.most is not None else ""))
    if one.default is not None:
        takes.append(f"default {one.default:,}")
    if one.is_required:
        takes.append("required")
    about = "Reserved: not available yet." if one.is_reserved else one.description
    return f"| `{one.name}` | {', '.join(takes)} | {about} |"
