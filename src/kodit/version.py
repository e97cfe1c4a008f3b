"""The version of Kodit, as a constant, because reading package metadata takes time."""

VERSION = "0.1.0"
