"""`python -m kodit` is the command line."""

from kodit.cli import main

main()
