"""Commands of the command line that are not in `kodit.faces.cli.app` itself."""
