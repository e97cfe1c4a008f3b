; Only its structure counts, which is where a file may be cut.
