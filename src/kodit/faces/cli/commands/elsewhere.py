"""What other programs call the commands and options of this one."""

from __future__ import annotations

COMMANDS = {
    "add": "index",
    "cat": "read",
    "find": "search",
    "list": "ls",
    "open": "read",
    "remove": "delete",
    "rg": "grep",
    "rm": "delete",
    "show": "read",
    "sync": "index",
    "update": "index",
}
OPTIONS = {
    "-g": "--path",
    "--glob": "--path",
    "--include": "--path",
    "-t": "--language",
    "--type": "--language",
    "--lang": "--language",
    "-m": "--limit",
    "-k": "--limit",
    "--max-count": "--limit",
    "--top-k": "--limit",
    "--files-with-matches": "--files",
    "-S": "--ignore-case",
    "--smart-case": "--ignore-case",
    "-y": "--ignore-case",
    "--count-matches": "--count",
}

_EXCLUDING = "--path '**' --path '!GLOB' leaves files out"
_EXCLUDING_FOLDER = "--path '**' --path '!**/FOLDER/**' leaves a folder out"
_LINES_AS_THEY_ARE = "lines are always printed as PATH:LINE:TEXT"
_REF = "write SOURCE@REF for a branch, tag or commit"
_RE2 = "patterns are in RE2 syntax, without look-around and back-references"
_TEXTS = "binary files are never searched"
_WHAT_IS_SEARCHED = "all indexed files are searched; `kodit ls --left-out` lists the others"
_WITHIN_LINES = "a pattern matches within one line"
_INSTEAD = {
    "grep": {
        "-L": "it shows only files that match, with --files",
        "--files-without-match": "it shows only files that match, with --files",
        "-P": _RE2,
        "--perl-regexp": _RE2,
        "--pcre2": _RE2,
        "-G": _RE2,
        "--basic-regexp": _RE2,
        "-U": _WITHIN_LINES,
        "--multiline": _WITHIN_LINES,
        "-z": _WITHIN_LINES,
        "--null-data": _WITHIN_LINES,
        "-x": "write '^PATTERN$' for a whole line",
        "--line-regexp": "write '^PATTERN$' for a whole line",
        "-q": "the exit code is 0 if a line matches, and 1 if none does",
        "--quiet": "the exit code is 0 if a line matches, and 1 if none does",
        "-f": "--regexp takes one pattern, and may be repeated",
        "--file": "--regexp takes one pattern, and may be repeated",
        "-a": _TEXTS,
        "--text": _TEXTS,
        "-I": _TEXTS,
        "--exclude": _EXCLUDING,
        "--exclude-dir": _EXCLUDING_FOLDER,
        "-T": _EXCLUDING,
        "--type-not": _EXCLUDING,
        "-u": _WHAT_IS_SEARCHED,
        "--hidden": _WHAT_IS_SEARCHED,
        "--no-ignore": _WHAT_IS_SEARCHED,
        "--unrestricted": _WHAT_IS_SEARCHED,
        "-N": _LINES_AS_THEY_ARE,
        "--no-line-number": _LINES_AS_THEY_ARE,
        "--no-filename": _LINES_AS_THEY_ARE,
        "--heading": _LINES_AS_THEY_ARE,
        "--no-heading": _LINES_AS_THEY_ARE,
        "--vimgrep": _LINES_AS_THEY_ARE,
    },
    "index": {"--ref": _REF, "--rev": _REF, "-b": _REF, "--branch": _REF, "--tag": _REF},
}
"""Options that a command lacks, with what to do or know instead."""


def instead_of(command: str, option: str) -> str | None:
    """What to do instead of an option that a command lacks; None if that is not known."""
    if command == "grep" and option[1:].isdecimal():
        return f"-C {option[1:]} shows as many lines before and after"
    return _INSTEAD.get(command, {}).get(option)
