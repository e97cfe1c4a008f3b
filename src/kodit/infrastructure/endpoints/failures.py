"""What an endpoint's answer means if it is not a result: which failures pass, and which do not."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from kodit.domain.endpoints import LONGEST_PAUSE_SECONDS
from kodit.domain.errors import KoditError, PermanentError, TransientError

LONGEST_QUOTE = 200
"""How much of an endpoint's own message is shown."""

_PASSING = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
_TOO_LONG = re.compile(
    r"too (?:long|large|many tokens)|context (?:length|window|size)|maximum.{0,40}tokens|"
    r"exceeds?.{0,60}(?:length|tokens|limit)|input length",
    re.IGNORECASE,
)
_RESULTS = {"data", "choices"}
_STATUS = re.compile("[45][0-9]{2}")
_PASSES = re.compile(
    r"rate.?limit|overload|unavailable|time.?out|timed out|try again|capacity|server.?error",
    re.IGNORECASE,
)
_EMPTY_PURSE = re.compile(r"insufficient_quota|billing|exceeded your current quota", re.IGNORECASE)


class TooLargeError(PermanentError):
    """The request is larger than the endpoint accepts."""

    default_code = "endpoint_request_too_large"


def failure_of_status(
    status: int, headers: dict[str, str], content: bytes, *, address: str, hint: str
) -> KoditError:
    """The error for an answer with a status other than 200. `hint` is the prefix of the settings
    of the endpoint. A time-out, 429 or 5xx passes; anything else has to be corrected.
    """
    quoted = _quoted(content)
    said = f"{address} answered {status}{_name_of(status)}{f': {quoted}' if quoted else ''}"
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return PermanentError(f"{said}; check {hint}_API_KEY", code="endpoint_refused_key")
    if status == HTTPStatus.NOT_FOUND:
        return PermanentError(
            f"{said}; check {hint}_MODEL, and that {hint}_BASE_URL ends like /v1",
            code="endpoint_not_found",
        )
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return PermanentError(
            f"{address} redirects ({status}), which is not followed, because that would send your "
            f"code and key elsewhere; set {hint}_BASE_URL to the address that it means",
            code="endpoint_redirects",
        )
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or (
        status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
        and _TOO_LONG.search(quoted)
    ):
        return TooLargeError(said)
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        wait = retry_after(headers.get("retry-after"), headers.get("date"))
        if _EMPTY_PURSE.search(content[:4096].decode("utf-8", "replace")):
            wait = LONGEST_PAUSE_SECONDS  # until somebody pays
        return TransientError(said, wait, code="endpoint_unavailable")
    return PermanentError(said, code="endpoint_refused")


def failure_in(answer: object, *, address: str, hint: str) -> KoditError | None:
    """The error for an answer with status 200 that consists of an error, as gateways send it for
    the server behind them; None for any other answer."""
    if not isinstance(answer, dict) or not answer.get("error") or answer.keys() & _RESULTS:
        return None
    content = json.dumps(answer).encode()
    error = answer["error"]
    codes = [error.get(name) for name in ("code", "status")] if isinstance(error, dict) else []
    for code in map(str, codes):
        if _STATUS.fullmatch(code):
            return failure_of_status(int(code), {}, content, address=address, hint=hint)
    said = f"{address} answered with an error: {_quoted(content)}"
    if _PASSES.search(content[:4096].decode()):
        return TransientError(said, code="endpoint_unavailable")
    return PermanentError(said, code="endpoint_refused")


def retry_after(text: str | None, date: str | None = None) -> float | None:
    """The seconds that a Retry-After header asks for: a number, or a time by the clock of the
    endpoint, whose `Date` header is `date`."""
    if text is None:
        return None
    text = text.strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", text):
        return float(text)
    moment = _moment(text)
    now = _moment(date or "") or datetime.now(UTC)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _name_of(status: int) -> str:
    try:
        return f" ({HTTPStatus(status).phrase})"
    except ValueError:
        return ""


def _quoted(content: bytes) -> str:
    """The endpoint's own message in one line, if it sent one as JSON or plain text."""
    text = content[:65_536].decode("utf-8", "replace")
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        message: object = "" if "<" in text[:200] else text
    else:
        message = answer
        for name in ("error", "message", "detail"):
            if isinstance(message, dict):
                message = message.get(name, message)
        if not isinstance(message, str):
            message = json.dumps(message)
    return one_line(str(message))


def one_line(text: str) -> str:
    """What another program has said, as it may stand in a sentence."""
    printable = "".join(one if one.isprintable() else " " for one in text[:65_536])
    line = " ".join(printable.split())
    return line if len(line) <= LONGEST_QUOTE else f"{line[:LONGEST_QUOTE]}…"
