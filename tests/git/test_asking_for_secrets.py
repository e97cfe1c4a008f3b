"""A worker asks its server for one secret after the other, whichever threads need them."""

from __future__ import annotations

import json
import select
import socket
import threading

from kodit.domain.source import Credentials
from kodit.infrastructure.resident.secrets import SecretsFromServer


def test_each_thread_gets_the_answer_to_its_own_question() -> None:
    """The next question is asked when the one before it has been answered: answers have no
    names."""
    ours, theirs = socket.socketpair()
    worker = SecretsFromServer(theirs)
    count = 4
    are_ready = threading.Barrier(count)
    found: dict[str, Credentials | None] = {}

    def ask(reference: str) -> None:
        are_ready.wait()
        found[reference] = worker.find(reference, "https://host.org")

    threads = [threading.Thread(target=ask, args=(f"env:{one}",)) for one in range(count)]
    for thread in threads:
        thread.start()
    questions = ours.makefile("rb", buffering=0)
    early: list[bytes] = []
    for number in range(count):
        reference, server = json.loads(questions.readline())
        assert server == "https://host.org"
        if number == 0 and select.select([ours], [], [], 0.2)[0]:
            early.append(ours.recv(100, socket.MSG_PEEK))
        answer = {"username": "ada", "password": f"of {reference}"}
        ours.sendall(json.dumps(answer).encode() + b"\n")
    for thread in threads:
        thread.join()
    questions.close()
    ours.close()
    theirs.close()
    assert early == []
    assert found == {f"env:{one}": Credentials("ada", f"of env:{one}") for one in range(count)}
