"""`kodit stdio`: a thin front of the resident server, for clients that start a program and talk to
it over its standard input and output.

It uses the standard library only and imports as little of it as possible: a client waits for its
first answer, and many start several fronts at once. It answers from `answers.json` what never
changes, and forwards everything else.
"""
