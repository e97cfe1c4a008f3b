(function_call name: [(identifier) (dot_index_expression) (method_index_expression)] @call)
(assignment_statement
  (variable_list . name: (identifier) @namespace)
  (expression_list . value: (function_call name: (identifier) @required arguments: (arguments (string) @module))))
(assignment_statement
  (variable_list . name: [(identifier) (dot_index_expression)] @alias)
  (expression_list . value: (function_call) @value))
(assignment_statement (variable_list name: [(identifier) (dot_index_expression)] @write))
(assignment_statement
  (variable_list . name: (identifier) @alias)
  (expression_list . value: (dot_index_expression
    table: (function_call name: (identifier) @required arguments: (arguments . (string) @module))
    field: (identifier) @import)))
(function_call name: (identifier) @required arguments: (arguments . (string) @module @bare))
(function_call arguments: (arguments . (identifier) @required . (string) @module @bare))
(assignment_statement
  (variable_list . name: (_) . name: (identifier) @namespace)
  (expression_list . value: (function_call arguments: (arguments . (identifier) @required . (string) @module))))
(assignment_statement
  (variable_list . name: [(identifier) (dot_index_expression)] @alias)
  (expression_list . value: [(identifier) (dot_index_expression)] @read))
(field name: (identifier) @field value: (function_call) @value)
(field name: (identifier) @field value: [(identifier) (dot_index_expression)] @read)
