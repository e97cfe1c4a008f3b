"""The resident server of a data directory, as a client sees it: where its socket is, which process
answers, and how one is started. Uses only the standard library, because `kodit stdio` has to start
fast.
"""
