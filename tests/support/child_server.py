"""A process that has loaded what Kodit's child processes import, and forks one on request.

Each child is a process of its own, and a child of the process that asks, as if started by it; this
saves .2 s of imports, a thousand times over. Tests of how children start, of what they inherit or
how much memory they have, are marked `real_children`.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import json
import os
import platform
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kodit.infrastructure import file_sizes
from kodit.infrastructure.processes import child, pool
from kodit.infrastructure.processes.allocator import allocator_variables
from kodit.infrastructure.slicing.grammars import load_grammar

MESSAGE_BYTES = 1 << 20
MOST_DESCRIPTORS = 16
CLONE_PARENT = 0x8000
"""From `linux/sched.h`: the new process is a child of the caller's parent."""
CLONE = {"x86_64": 56, "aarch64": 220}.get(platform.machine())
"""The number of the system call; None where it is not known, and children are started as ever."""
MEASURED = "MUTATION_COVERAGE"
"""The environment variable that is set while `benchmarks.mutants` records which lines tests run, in
processes that are started."""
LIMITS = (
    resource.RLIMIT_AS,
    resource.RLIMIT_CORE,
    resource.RLIMIT_CPU,
    resource.RLIMIT_DATA,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NOFILE,
    resource.RLIMIT_STACK,
)
FUNCTIONS = (
    "kodit.infrastructure.sources.child_functions",
    "kodit.infrastructure.sources.recent_commits",
    "kodit.infrastructure.embedding.builtin",
    "kodit.infrastructure.enrichment.builtin",
    "kodit.infrastructure.keyword.writing",
    "kodit.infrastructure.slicing",
)
"""The modules of what children are asked for in most tests."""


class ChildServer:
    """The process, a child of this one. It ends with this one."""

    def __init__(
        self, connection: socket.socket, process: subprocess.Popen[bytes] | None = None
    ) -> None:
        self._connection = connection
        self._process = process
        self._lock = threading.Lock()

    def start(self, asked: Mapping[str, Any], descriptors: Sequence[int]) -> int:
        """The process id of a new child, with these descriptors: standard error comes first."""
        with self._lock:
            socket.send_fds(self._connection, [json.dumps(asked).encode()], descriptors)
            return int(self._connection.recv(MESSAGE_BYTES))

    def close(self) -> None:
        """It ends, as it would with this process."""
        self._connection.close()
        if self._process is not None:
            self._process.wait()


class ForkedChild:
    """What the pool needs of `subprocess.Popen`, for a child of the server."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        pass_fds: Sequence[int],
        cwd: Path,
        env: Mapping[str, str],
        **_streams: int,
    ) -> None:
        self.returncode: int | None = None
        asked = {
            "arguments": command[4:],
            "descriptors": list(pass_fds),
            "environment": dict(env),
            "folder": str(cwd),
            "limits": [resource.getrlimit(limit)[0] for limit in LIMITS],
            "mask": _mask_of_files(),
        }
        self.pid = server().start(asked, [2, *pass_fds])

    def poll(self) -> int | None:
        """Its exit status in the form of `subprocess`, if it has ended."""
        return self._end(os.WNOHANG)

    def wait(self) -> int:
        """Wait for its end."""
        code = self._end(0)
        assert code is not None
        return code

    def _end(self, options: int) -> int | None:
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, options)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def kill(self) -> None:
        """`kill -9`, if it has not been waited for."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def let_pools_fork(fork: bool) -> None:
    """Whether the pools of this process fork their children from now on."""
    can = CLONE is not None and sys.platform == "linux" and MEASURED not in os.environ
    stand_in = SimpleNamespace(Popen=ForkedChild, DEVNULL=subprocess.DEVNULL)
    vars(pool)["subprocess"] = stand_in if fork and can else subprocess


def do_pools_fork() -> bool:
    """Whether they do."""
    return vars(pool)["subprocess"] is not subprocess


_forked: dict[int, ChildServer] = {}


def server() -> ChildServer:
    """That of this process, started when first needed."""
    return _forked.get(os.getpid()) or _started(os.getpid())


@cache
def _started(_process_id: int) -> ChildServer:
    # A child is killed when the thread ends that started it, or its server: this one never does.
    return ThreadPoolExecutor(1, thread_name_prefix="child-server").submit(_start).result()


def _start() -> ChildServer:
    ours, theirs = _socket_pair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **allocator_variables()},
        )
    started = ChildServer(ours, process)
    atexit.register(started.close)
    return started


def fork_server() -> None:
    """Make a fork of this process, which has one thread and has loaded everything, its server."""
    ours, theirs = _socket_pair()
    if os.fork() == 0:
        ours.close()
        _serve(theirs)
    theirs.close()
    _forked[os.getpid()] = ChildServer(ours)


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in pair:
        for kind in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            end.setsockopt(socket.SOL_SOCKET, kind, MESSAGE_BYTES)
    return pair


def _serve(connection: socket.socket) -> None:
    """Fork for each message, until there are no more; ends the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    os.close(null)
    while True:
        message, ends, _, _ = socket.recv_fds(connection, MESSAGE_BYTES, MOST_DESCRIPTORS)
        if not message:
            os._exit(0)
        process_id = _fork_beside()
        if process_id == 0:
            connection.close()
            _be_child(json.loads(message), ends)
        connection.send(str(process_id).encode())
        for end in ends:
            os.close(end)


def _fork_beside() -> int:
    """Like `os.fork`, but the new process is a child of this one's parent."""
    python = ctypes.PyDLL(None)  # which holds the interpreter's lock
    python.PyOS_BeforeFork()
    numbers = (CLONE or 0, CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)
    process_id: int = python.syscall(*(ctypes.c_long(number) for number in numbers))
    if process_id == 0:
        python.PyOS_AfterFork_Child()
    else:
        python.PyOS_AfterFork_Parent()
    return process_id


def _be_child(asked: Mapping[str, Any], ends: Sequence[int]) -> None:
    """Run the program of a child; ends the process."""
    os.dup2(ends[0], 2)
    os.close(ends[0])
    os.chdir(asked["folder"])
    os.umask(asked["mask"])
    for limit, soft in zip(LIMITS, asked["limits"], strict=True):
        resource.setrlimit(limit, (soft, resource.getrlimit(limit)[1]))
    os.environ.clear()
    os.environ.update(asked["environment"])
    file_sizes.set_limit(int(os.environ[file_sizes.VARIABLE]))
    # Under the numbers that they have here.
    numbers = dict(zip(map(str, asked["descriptors"]), map(str, ends[1:]), strict=True))
    connection, lifeline, parent = asked["arguments"]
    sys.argv = ["child", numbers[connection], numbers[lifeline], parent]
    child.main()
    os._exit(0)


def _mask_of_files() -> int:
    """Without a moment at which it is another one, as with `os.umask`."""
    status = Path("/proc/self/status").read_text("ascii", "replace")
    return int(next(line for line in status.splitlines() if line.startswith("Umask:"))[6:], 8)


def load() -> None:
    """Import what children import."""
    for name in FUNCTIONS:
        importlib.import_module(name)
    load_grammar("python")  # in which most files of tests are written


def main() -> None:
    """Run the server."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    load()
    assert len(list(Path("/proc/self/task").iterdir())) == 1
    gc.collect()
    gc.freeze()
    _serve(connection)


if __name__ == "__main__":
    main()
