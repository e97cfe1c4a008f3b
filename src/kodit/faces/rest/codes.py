"""The codes of problems, each with its status."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple


class Code(NamedTuple):
    """The status of a code, and what it is about."""

    status: HTTPStatus
    about: str


CODES: Mapping[str, Code] = MappingProxyType(
    {
        "request_invalid": Code(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "A parameter is missing, unknown, or does not match its schema; `errors` lists all.",
        ),
        "cursor_invalid": Code(
            HTTPStatus.BAD_REQUEST, "The cursor belongs to another question or an older version."
        ),
        "caller_may_not_write": Code(HTTPStatus.FORBIDDEN, "The caller may only read."),
        "refused_by_policy": Code(
            HTTPStatus.FORBIDDEN,
            "The caller may not name this folder, address or variable, whether it exists or not.",
        ),
        "file_left_out": Code(
            HTTPStatus.NOT_FOUND, "The file exists but is left out of the index; `reason` says why."
        ),
        "file_in_no_index": Code(HTTPStatus.NOT_FOUND, "No index has a file of this path."),
        "file_misnamed": Code(
            HTTPStatus.NOT_FOUND, "No file has this path; others have similar names."
        ),
        "file_not_found": Code(HTTPStatus.NOT_FOUND, "No file of the index has this path."),
        "file_not_indexed_yet": Code(
            HTTPStatus.NOT_FOUND, "The file is not in the index yet; indexing is not complete."
        ),
        "file_without_snippets": Code(HTTPStatus.NOT_FOUND, "The file has nothing to compare."),
        "folder_missing": Code(HTTPStatus.NOT_FOUND, "The folder does not exist."),
        "index_not_found": Code(HTTPStatus.NOT_FOUND, "No index has this identifier or name."),
        "line_not_found": Code(HTTPStatus.NOT_FOUND, "The file ends before this line."),
        "name_not_found": Code(
            HTTPStatus.NOT_FOUND, "No definition, table or commit has this name."
        ),
        "not_found": Code(HTTPStatus.NOT_FOUND, "There is nothing at this path."),
        "run_not_found": Code(HTTPStatus.NOT_FOUND, "No run has this identifier."),
        "source_not_indexed": Code(HTTPStatus.NOT_FOUND, "The source has no index."),
        "task_not_found": Code(HTTPStatus.NOT_FOUND, "No task has this identifier."),
        "method_not_allowed": Code(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "The path does not support this method; `Allow` lists those it supports.",
        ),
        "access_refused": Code(
            HTTPStatus.CONFLICT,
            "The server of the source refuses access without other credentials.",
        ),
        "choice_invalid": Code(HTTPStatus.CONFLICT, "There is no such mode, kind or state."),
        "clone_damaged": Code(
            HTTPStatus.CONFLICT,
            "The clone of a git source cannot be read; bringing the index up to date repairs it.",
        ),
        "commit_gone": Code(
            HTTPStatus.CONFLICT,
            "The source no longer has the indexed commit, nor has the clone of this machine; "
            "bringing the index up to date reads the present one.",
        ),
        "credentials_missing": Code(
            HTTPStatus.CONFLICT,
            "The secret of the source is no longer stored, or was given for another server.",
        ),
        "certificate_refused": Code(
            HTTPStatus.CONFLICT, "The TLS certificate of the source's server is not accepted."
        ),
        "credentials_invalid": Code(HTTPStatus.CONFLICT, "Credentials must be given as env:NAME."),
        "credentials_not_given": Code(
            HTTPStatus.CONFLICT, "The variable was not given for the server of the source."
        ),
        "default_branch_missing": Code(
            HTTPStatus.CONFLICT, "The repository has no default branch, and no ref is named."
        ),
        "host_key_unknown": Code(
            HTTPStatus.CONFLICT, "The ssh host key of the source's server is not known."
        ),
        "redirect_refused": Code(
            HTTPStatus.CONFLICT, "The server of the source redirects to another address."
        ),
        "ref_not_found": Code(
            HTTPStatus.CONFLICT, "The repository has no such branch, tag or commit."
        ),
        "repository_damaged": Code(
            HTTPStatus.CONFLICT, "The repository is missing objects that it refers to."
        ),
        "repository_not_found": Code(
            HTTPStatus.CONFLICT, "The source is not a git repository, or needs credentials."
        ),
        "repository_unsupported": Code(
            HTTPStatus.CONFLICT, "The repository has a format that cannot be read."
        ),
        "ssh_key_refused": Code(
            HTTPStatus.CONFLICT, "The server of the source accepts no ssh key."
        ),
        "transport_refused": Code(
            HTTPStatus.CONFLICT, "The source uses a git transport that is not allowed."
        ),
        "variable_unusable": Code(
            HTTPStatus.CONFLICT, "The variable that holds the secret is not set, or not usable."
        ),
        "expression_invalid": Code(
            HTTPStatus.CONFLICT, "The pattern is not a regular expression of RE2."
        ),
        "file_unreadable": Code(
            HTTPStatus.CONFLICT, "The file is indexed, but can no longer be read."
        ),
        "glob_invalid": Code(HTTPStatus.CONFLICT, "A glob can match no file."),
        "grep_too_slow": Code(HTTPStatus.CONFLICT, "The lines could not be searched in time."),
        "index_deleted": Code(HTTPStatus.CONFLICT, "The index was deleted in the meantime."),
        "index_incomplete": Code(HTTPStatus.CONFLICT, "The index is not complete yet."),
        "keyword_index_unreadable": Code(HTTPStatus.CONFLICT, "The keyword index cannot be read."),
        "kind_turned_off": Code(
            HTTPStatus.CONFLICT, "The server makes no descriptions of this kind."
        ),
        "subject_missing": Code(HTTPStatus.CONFLICT, "Descriptions of this kind need a `subject`."),
        "language_unknown": Code(HTTPStatus.CONFLICT, "No file is in this language."),
        "lines_invalid": Code(HTTPStatus.CONFLICT, "The last line comes before the first."),
        "searched_elsewhere": Code(
            HTTPStatus.CONFLICT, "This node does not search; `hosts` has nodes that do."
        ),
        "query_invalid": Code(HTTPStatus.CONFLICT, "The question is not valid."),
        "request_refused": Code(HTTPStatus.CONFLICT, "The request is not valid."),
        "run_has_ended": Code(HTTPStatus.CONFLICT, "The run has ended and cannot be cancelled."),
        "run_has_succeeded": Code(
            HTTPStatus.CONFLICT, "The run has succeeded: there is nothing to retry."
        ),
        "run_under_way": Code(
            HTTPStatus.CONFLICT, "The run, or another one of its index, is in progress."
        ),
        "source_invalid": Code(
            HTTPStatus.CONFLICT, "The source is neither a git URL nor a folder that can be indexed."
        ),
        "nothing_indexed": Code(HTTPStatus.NOT_FOUND, "There is no index yet."),
        "sources_several": Code(HTTPStatus.CONFLICT, "Several indexes have a file of this path."),
        "source_ambiguous": Code(
            HTTPStatus.CONFLICT, "The name could mean several indexes; `detail` lists them."
        ),
        "source_broad": Code(
            HTTPStatus.CONFLICT, "The folder holds much more than code, as `/` does."
        ),
        "source_is_part": Code(
            HTTPStatus.CONFLICT, "This is part of an index, and the request would affect all of it."
        ),
        "source_on_another_host": Code(
            HTTPStatus.CONFLICT, "The folder is on another machine, `host`, and is read only there."
        ),
        "source_refused": Code(HTTPStatus.CONFLICT, "The source cannot be read."),
        "sync_every_invalid": Code(
            HTTPStatus.CONFLICT, "The interval between two syncs is too short or too long."
        ),
        "internal_error": Code(
            HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed; its log says why."
        ),
        "clone_behind": Code(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The index is being brought up to date, and the clone of this machine lacks a file.",
        ),
        "clone_unreadable": Code(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The clone of a git source cannot be read at the moment.",
        ),
        "clone_unwritable": Code(
            HTTPStatus.SERVICE_UNAVAILABLE, "The clone of a git source cannot be written."
        ),
        "disk_full": Code(HTTPStatus.SERVICE_UNAVAILABLE, "The disk of the server is full."),
        "git_failed": Code(HTTPStatus.SERVICE_UNAVAILABLE, "git failed; trying again may succeed."),
        "source_unreachable": Code(
            HTTPStatus.SERVICE_UNAVAILABLE, "The server of the source does not answer."
        ),
        "database_moved": Code(
            HTTPStatus.SERVICE_UNAVAILABLE, "The database was moved to another place."
        ),
        "database_moving": Code(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The database is being moved to another place, and cannot be changed.",
        ),
        "pooler_unusable": Code(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The database is reached through a pooler in transaction mode.",
        ),
        "database_refuses_user": Code(
            HTTPStatus.SERVICE_UNAVAILABLE, "The database does not let the server in."
        ),
        "database_untrusted": Code(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The certificate of the database is not the one that the server expects.",
        ),
        "database_upgraded": Code(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "Another version has migrated the database; the server has to be started again.",
        ),
        "database_newer": Code(
            HTTPStatus.SERVICE_UNAVAILABLE, "The database was written by a newer version."
        ),
        "endpoint_unavailable": Code(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The endpoint of the embedding model cannot be used at the moment.",
        ),
        "endpoint_answer_invalid": Code(
            HTTPStatus.BAD_GATEWAY, "The endpoint sent an answer that cannot be used."
        ),
        "endpoint_dimensions_changed": Code(
            HTTPStatus.BAD_GATEWAY, "The endpoint sent vectors of another length than before."
        ),
        "endpoint_key_missing": Code(
            HTTPStatus.BAD_GATEWAY, "The key of the endpoint is not set, or cannot be read."
        ),
        "endpoint_not_found": Code(
            HTTPStatus.BAD_GATEWAY, "There is no such endpoint, or no such model."
        ),
        "endpoint_redirects": Code(
            HTTPStatus.BAD_GATEWAY, "The endpoint redirects, which is not followed."
        ),
        "endpoint_refused": Code(HTTPStatus.BAD_GATEWAY, "The endpoint refused the request."),
        "endpoint_refused_key": Code(
            HTTPStatus.BAD_GATEWAY, "The endpoint does not accept the key."
        ),
        "endpoint_request_too_large": Code(
            HTTPStatus.BAD_GATEWAY, "The endpoint does not accept a text of this length."
        ),
        "endpoint_untrusted": Code(
            HTTPStatus.BAD_GATEWAY, "The certificate of the endpoint cannot be verified."
        ),
        "stalled": Code(
            HTTPStatus.SERVICE_UNAVAILABLE, "A child process made no progress and was stopped."
        ),
        "unavailable": Code(
            HTTPStatus.SERVICE_UNAVAILABLE, "Trying again may succeed; `Retry-After` says when."
        ),
    }
)
"""A malformed request is 422. One that is well-formed but refused is 403, 404 or 409, or 400 if its
cursor belongs to another question. A model behind an endpoint that has to be set up differently is
502, and what passes is 503."""
