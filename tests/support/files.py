"""The rows of files with what the database stores of them elsewhere."""

from __future__ import annotations

_FILES = """(
SELECT files.index_id, files.path_id, paths.path, files.version_id, files.size, files.problem,
       CASE files.status WHEN '' THEN 'clean' WHEN 'a' THEN 'added' WHEN 'm' THEN 'modified'
       WHEN 'd' THEN 'deleted' ELSE files.status END AS status,
       stale_files.path_id IS NOT NULL AS stale,
       coalesce(stale_files.content_hash, versions.content_hash) AS content_hash,
       versions.content_hash AS extracted_hash, versions.extractor_version, versions.language,
       CASE files.history WHEN 0 THEN '' ELSE file_histories.author END AS author,
       file_histories.changed_at, file_histories.created_at
FROM files JOIN paths ON paths.id = files.path_id
LEFT JOIN versions ON versions.id = files.version_id
LEFT JOIN stale_files
ON stale_files.index_id = files.index_id AND stale_files.path_id = files.path_id
LEFT JOIN file_histories
ON file_histories.path_id = files.path_id AND file_histories.number = files.history
) AS file"""
READ_BY_ANOTHER_EXTRACTOR = (
    "UPDATE versions SET extractor_version = 'former', content_key = NULL, digest = NULL"
)


def of_files(query: str) -> str:
    """A query of `FILES`, which has a row `file` for each file, with the path and so on."""
    return query.replace("FILES", _FILES)


def at(path: str, statement: str) -> str:
    """The statement on `files`, for those at a path."""
    return f"{statement} WHERE path_id = (SELECT id FROM paths WHERE path = '{path}')"  # noqa: S608
