"""The resident server of a data directory, seen from outside: where its socket lies, who answers
there, and how one is started. Standard library only: `kodit stdio` has no time for more."""
