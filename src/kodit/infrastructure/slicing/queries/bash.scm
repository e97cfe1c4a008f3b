(function_definition name: (word) @name) @definition.function
(program (variable_assignment name: (variable_name) @upper_name) @definition.constant)
(program
  (declaration_command
    . (variable_assignment name: (variable_name) @upper_name)) @definition.constant)
