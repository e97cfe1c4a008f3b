"""The size of a snippet: the only place where sizes are set.

A static token-vector model averages its tokens, so a snippet about several things is found for none
of them, and a single line has too little text. These figures keep snippets between about five lines
and one screen.
"""

from __future__ import annotations

MAX_LINES = 60
"""Longest snippet in lines, about one screen; longer ones are split."""

MAX_CHARACTERS = 2_400
"""Longest snippet in characters, about 600 tokens; a single line may have up to `LONG_LINE`."""

WHOLE_TYPE_LINES = 12
"""A class, trait or namespace of at most this many lines stays in one snippet, members included."""

TINY_LINES = 3
"""A piece of at most this many lines and `TINY_CHARACTERS` is joined with a neighbour."""

TINY_CHARACTERS = 200

JOINED_LINES = 24
"""Tiny pieces that each define something are joined up to this many lines."""

JOINED_CHARACTERS = 1_000

MOST_SYMBOLS = 400
"""Names that one snippet may define: a very long line may hold any number of them."""

SCOPE_NAMES = 8
"""Names kept of a deeper scope, the innermost ones."""

NAME_CHARACTERS = 200
"""Longest symbol name; a grammar can be made to take a whole page for a name."""

LONG_LINE = 5_000
"""A longer line, in characters, is not meant for people: it is stored shortened, and a file of
little else is left out as minified.
"""

PARSED_BYTES = 2_000_000
"""Larger files are only split by lines."""

PARSED_DATA_BYTES = 64_000
"""The same for data formats, whose large files hold rows, not structure."""
