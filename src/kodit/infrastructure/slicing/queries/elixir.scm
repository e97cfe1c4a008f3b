(call
  target: (identifier) @keyword
  (arguments
    .
    [
      (alias) @name
      (identifier) @name
      (call target: (identifier) @name)
      (binary_operator left: (identifier) @name)
      (binary_operator left: (call target: (identifier) @name))
    ])) @definition.keyword
