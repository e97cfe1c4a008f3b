; Nothing here defines a symbol: the tree only says where to cut.
