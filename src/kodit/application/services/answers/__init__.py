"""The questions that every face asks, answered with views."""
