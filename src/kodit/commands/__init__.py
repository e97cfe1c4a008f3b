"""The commands of the command line that are not in `kodit.cli` itself."""
