"""The migrations of the database, each up and down, with data.

Data that a migration cannot derive from existing rows is marked as missing, so that the next run
makes it and no index is reported as complete before: a row of `stale_files` makes a file be
extracted again (before revision 0020 `files.stale` did),
`indexes.keyword_generation = ''` makes its keyword log restart, an empty `code_model` or
`text_model` makes its snippets be embedded again. A column that starts empty for existing snippets
is such a case, also if it existed before and a downgrade dropped it.
"""
