(call target: (identifier) @function)
(call target: (dot right: (identifier)) @call)
(unary_operator operator: "&" operand: (binary_operator left: (identifier) @call))
(call target: (identifier) @aliasing (arguments . (alias) @import))
(call target: (identifier) @aliasing (arguments . (dot left: (alias) @module right: (tuple (alias) @import))))
(call target: (identifier) @aliasing (arguments . (alias) @import (keywords (pair value: (alias) @alias))))
(unary_operator operator: "@" operand: (call target: (identifier) @behaving (arguments . (alias) @inherits)))
(call target: (identifier) @implementing (arguments . (alias) @inherits (keywords (pair value: (alias) @alias))))
(unary_operator operator: "@" operand: (call target: (identifier) @declares))
(unary_operator
  operator: "@"
  operand: (call (arguments (binary_operator left: (call target: (identifier) @declares)))))
(struct (alias) @type)
(alias) @read
(binary_operator left: (identifier) @alias operator: "=" right: (call) @value)
(call target: (identifier) @defining (arguments . (call target: (identifier) @declares)))
(call target: (identifier) @defining (arguments . (alias) @declares))
(call target: (identifier) @defining (arguments . (binary_operator left: (call target: (identifier) @declares))))
