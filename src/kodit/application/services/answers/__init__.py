"""The questions of every face, answered with views."""
