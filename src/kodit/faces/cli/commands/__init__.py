"""Commands that are not in `kodit.faces.cli.app` itself."""
