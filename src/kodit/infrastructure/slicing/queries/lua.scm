(function_declaration name: (_) @name) @definition.function
(assignment_statement
  (variable_list . name: (_) @name)
  (expression_list . value: (function_definition))) @definition.function
(field name: (identifier) @name value: (function_definition)) @definition.function
(chunk
  (assignment_statement
    (variable_list . name: (_) @name)
    (expression_list . value: (table_constructor))) @definition.constant)
(chunk
  (variable_declaration
    (assignment_statement
      (variable_list . name: (identifier) @name)
      (expression_list . value: (table_constructor)))) @definition.constant)
(chunk
  (variable_declaration
    (assignment_statement (variable_list . name: (identifier) @upper_name))) @definition.constant)

(chunk
  (assignment_statement (variable_list name: (_) @name)) @named.variable)
(chunk
  (variable_declaration
    (assignment_statement (variable_list name: (identifier) @name))) @named.variable)
(chunk
  (variable_declaration (variable_list name: (identifier) @name)) @named.variable)
(chunk
  [
    (assignment_statement
      (expression_list (table_constructor (field name: (identifier) @name) @named.field)))
    (variable_declaration
      (assignment_statement
        (expression_list (table_constructor (field name: (identifier) @name) @named.field))))
    (return_statement
      (expression_list (table_constructor (field name: (identifier) @name) @named.field)))
  ])
