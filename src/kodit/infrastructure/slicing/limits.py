"""How large a snippet may be: the only place where sizes are chosen.

A static token-vector model averages its tokens, so a snippet that says several things at once
is found by none of them, and one of a single line has too little to say. The figures below keep
snippets between about five lines and one screen.
"""

from __future__ import annotations

MAX_LINES = 60
"""Longest snippet, in lines: longer ones are split. About one screen."""

MAX_CHARACTERS = 2_400
"""Longest snippet, in characters, about 600 tokens; a single line may have up to `LONG_LINE`."""

WHOLE_TYPE_LINES = 12
"""A class, trait, namespace, ... of up to so many lines stays in one snippet, members included."""

TINY_LINES = 3
"""A piece of up to so many lines and `TINY_CHARACTERS` is joined with a neighbour."""

TINY_CHARACTERS = 200

JOINED_LINES = 24
"""Tiny pieces that define something each are joined up to so many lines."""

JOINED_CHARACTERS = 1_000

MOST_SYMBOLS = 400
"""Names that one snippet may define: an enormous line may hold any number of them."""

SCOPE_NAMES = 8
"""Deepest scope that is written out: the innermost names are kept."""

NAME_CHARACTERS = 200
"""Longest symbol name; grammars can be led to take a whole page for a name."""

LONG_LINE = 5_000
"""A line of more characters is not for people to read: it is stored shortened, and a file that has
next to nothing besides is left out as minified."""

PARSED_BYTES = 2_000_000
"""Larger files are split by lines only."""

PARSED_DATA_BYTES = 64_000
"""The same for data formats, where what a large file holds is rows, not structure."""
