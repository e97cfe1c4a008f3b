"""The queue compared with a bare sqlite3 claim loop and huey, in one run.

    pip install -e .[benchmark]
    python benchmarks/queue.py [rates] [latency] [idle]     # all three take some four minutes

`queue_comparison.py` describes the comparison.
"""

import sys
import sysconfig
from pathlib import Path

if __name__ == "__main__":
    # A script's own folder comes first on the path, where this file hides the library's `queue`.
    sys.path[0] = str(Path(__file__).parents[1])
    from benchmarks.queue_comparison import main

    main(sys.argv[1:])
elif __name__ == "queue":
    # Another benchmark, run as a script, imports the library's `queue`, and gets this file.
    path = Path(sysconfig.get_path("stdlib")) / "queue.py"
    exec(compile(path.read_text("utf-8"), str(path), "exec"))  # noqa: S102 - the library's own file
