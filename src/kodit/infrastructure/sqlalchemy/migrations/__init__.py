"""The migrations of the database, each up and down, over rows.

What a migration cannot fill from what is there is noted as not done, so that the next run makes it
and nobody is told that an index is complete before: `files.stale` has a file extracted again,
`indexes.keyword_generation = ''` has its keyword log restarted, an empty `code_model` or
`text_model` has its snippets embedded again. A column that starts empty for snippets that were made
before it is such a case, also where the column was there once and a downgrade has dropped it.
"""
