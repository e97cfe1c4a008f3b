(function_call name: [(identifier) (dot_index_expression) (method_index_expression)] @call)
(assignment_statement
  (variable_list . name: (identifier) @namespace)
  (expression_list . value: (function_call name: (identifier) @required arguments: (arguments (string) @module))))
(assignment_statement
  (variable_list . name: [(identifier) (dot_index_expression)] @alias)
  (expression_list . value: (function_call) @value))
(assignment_statement (variable_list name: [(identifier) (dot_index_expression)] @write))
