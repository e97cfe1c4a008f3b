"""The faces of Kodit, side by side: none imports another."""
