"""Counts tokens as a model does, by the file of its tokenizer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

from kodit.domain.errors import PermanentError
from kodit.infrastructure.endpoints.texts import TokenRange, tokens_in

CountTokens = Callable[[str], TokenRange]


class TokenizerFile:
    """A `tokenizer.json` as published on Hugging Face, which is read when it is first needed. Any
    thread may count."""

    def __init__(self, setting: str, path: str, *, with_ends: bool) -> None:
        """`setting` is named in errors. `with_ends`, the tokens that mark the start and the end of
        a text are counted."""
        self._setting, self._path, self._with_ends = setting, path, with_ends
        self._lock = threading.Lock()
        self._loaded: Any = None

    def __call__(self, text: str) -> TokenRange:
        """Exact. Raises PermanentError if the file or the package that reads it is missing."""
        encoded = self._tokenizer().encode(
            text.encode("utf-8", "replace").decode(), add_special_tokens=self._with_ends
        )
        return TokenRange(*(len(encoded.ids),) * 3)

    def _tokenizer(self) -> Any:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> Any:
        try:
            # By name: it comes with an extra.
            tokenizers = import_module("tokenizers")
        except ImportError:
            raise PermanentError(
                f"{self._setting} needs the package tokenizers; install it with "
                "`pip install 'kodit[tokens]'`, or leave the setting out for an estimate",
                code="tokenizer_invalid",
            ) from None
        try:
            loaded = tokenizers.Tokenizer.from_file(self._path)
        except Exception as error:  # noqa: BLE001 - it raises nothing more specific
            reason = " ".join(str(error).split())
            raise PermanentError(
                f"{self._setting} names {self._path}, which is no tokenizer.json: {reason}",
                code="tokenizer_invalid",
            ) from None
        # The endpoint counts all that it gets.
        loaded.no_truncation()
        loaded.no_padding()
        return loaded


def counting(setting: str, path: str, *, with_ends: bool) -> CountTokens:
    """Exact by a file; an estimate without one."""
    return TokenizerFile(setting, path, with_ends=with_ends) if path else tokens_in
