"""`kodit stdio`: a thin front of the resident server, for clients that start a program and talk to
it over its standard input and output.

It uses the standard library only and imports as little of it as it can: a client waits for its
first answer, and many start several fronts at once. What never changes it answers itself, from
`answers.json`; everything else it forwards.
"""
