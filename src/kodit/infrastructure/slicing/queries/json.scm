; No symbols: the tree is only used to split files.
