"""Splitting files into snippets.

`slicer.slice_file` is a pure function of a path and bytes. tree-sitter and each grammar are
imported only when the first file needs them.
"""
