"""What a file says of its own encoding."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

_HEAD_BYTES = 4096
_TAIL_BYTES = 3000
"""Emacs looks for its local variables so far from the end."""
_FIRST_LINES = 3
_MODELINES = 5
"""So many lines at the end are searched for settings of Vim, which is its own default."""

_DECLARED = re.compile(
    rb"""^[ \t\f]*(?:\#|//|/\*|--|;|%|<!--|"|\{-|\.\.).*?coding[:=][ \t]*([-\w.]+)  # PEP 263, Emacs
    | ^.{0,80}?\b(?:fileencoding|fenc)=([-\w.]+)  # Vim
    | ^use[ ]encoding[ ]["']([-\w.]+)  # Perl
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
"""Declarations that count in the first lines alone."""
_DECLARED_ANYWHERE = re.compile(
    rb"""\A\s*<\?xml\b[^>]*?\bencoding[ \t]*=[ \t]*["']([-\w.]+)
    | <meta\b[^>]*?\bcharset[ \t]*=[ \t]*["']?([-\w.]+)
    | \A@charset[ \t]+"([-\w.]+)"
    | ^[^%\n]*\\usepackage\[([-\w]+)\]\{inputenc\}
    | ^scriptencoding[ ]+([-\w.]+)  # Vim
    | ^"Content-Type:[ ]text/plain;[ ]charset=([-\w.]+)\\n"  # catalogues of translations
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_DECLARED_LAST = re.compile(rb"\b(?:fileencoding|fenc)=([-\w.]+)", re.IGNORECASE)
_LOCAL_VARIABLES = re.compile(rb"Local Variables:.*?\bcoding:[ \t]*([-\w.]+)", re.DOTALL)
_LINE_ENDS_OF_EMACS = re.compile(r"-(?:unix|dos|mac)\Z", re.IGNORECASE)

_NAMES = {"ansinew": "cp1252", "applemac": "mac_roman"}
"""Of LaTeX, which Python does not have."""
_SUPERSETS = {
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
}
"""What is written by these names is often the larger set, as the Encoding Standard has it."""
_WIDE = ("utf-16", "utf-32")


def declared_encodings(data: bytes) -> Iterator[str]:
    """The names that a file of single bytes gives for its encoding, by which comes first. A text
    that says so cannot be UTF-16 or UTF-32."""
    head, tail = data[:_HEAD_BYTES], data[-_TAIL_BYTES:]
    found = [
        match
        for match in _DECLARED.finditer(head)
        if head.count(b"\n", 0, match.start()) < _FIRST_LINES
    ]
    found += _DECLARED_ANYWHERE.finditer(head)
    lines = tail.rstrip().rsplit(b"\n", _MODELINES)
    found += _DECLARED_LAST.finditer(b"\n".join(lines[-_MODELINES:]))
    found += _LOCAL_VARIABLES.finditer(tail)
    for match in found:
        name = next(filter(None, match.groups()), b"").decode("ascii", "replace")
        if not name.lower().startswith(_WIDE):
            yield name


def python_name(encoding: str) -> str:
    """The encoding by which a text is read that is said to be in another one; the same where there
    is none of that name."""
    name = _LINE_ENDS_OF_EMACS.sub("", encoding)
    name = _NAMES.get(name.lower(), name)
    try:
        canonical = codecs.lookup(name).name
    except (LookupError, ValueError):
        return name
    return _SUPERSETS.get(canonical, canonical)
