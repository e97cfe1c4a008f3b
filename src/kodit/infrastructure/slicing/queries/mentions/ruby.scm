(call !receiver method: [(identifier) (constant)] @call)
(call receiver: (_) @qualifier method: [(identifier) (constant)] @call)
(class name: (_) @alias superclass: (superclass [(constant) (scope_resolution)] @inherits))
(class name: [(constant) (scope_resolution)] @declares)
(module name: [(constant) (scope_resolution)] @declares)
(constant) @read
(scope_resolution) @read
(assignment left: [(identifier) (instance_variable)] @alias right: (call) @value)
(assignment left: [(instance_variable) (class_variable) (global_variable)] @write)
(assignment left: (call receiver: (_) @qualifier method: (_) @write))
(operator_assignment left: (_) @write)
(class
  name: (_) @alias
  body: (body_statement
    (call method: (identifier) @including arguments: (argument_list [(constant) (scope_resolution)] @inherits))))
(call !receiver method: (identifier) @requiring arguments: (argument_list . (string) @module @namespace))
(assignment left: [(identifier) (instance_variable)] @alias right: [(constant) (scope_resolution)] @read)
(block_argument (simple_symbol) @call)
(call !receiver method: (identifier) @autoloading arguments: (argument_list . (simple_symbol) @import (string) @module))
