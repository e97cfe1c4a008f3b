"""What each tool does: from a call to the text of its answer."""
