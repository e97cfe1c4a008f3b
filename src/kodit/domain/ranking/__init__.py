"""Ranking: understands a query, scores each candidate by signals, and sorts the results.

Pure functions on text and numbers. `fields` selects what the engines index of a snippet,
`query.understand` reads a query, and `ranking.rank` orders what the engines found.
"""
