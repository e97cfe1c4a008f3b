(function_definition name: (word) @name) @definition.function
(program
  (variable_assignment
    name: (variable_name) @upper_name) @definition.constant @named.variable)
(program
  (declaration_command
    . (variable_assignment
      name: (variable_name) @upper_name)) @definition.constant @named.variable)

(program
  (declaration_command
    (variable_assignment name: (variable_name) @upper_name)) @named.constant @named.variable)
(program
  (if_statement
    (variable_assignment name: (variable_name) @upper_name) @named.constant @named.variable))
(program
  (list
    (variable_assignment name: (variable_name) @upper_name) @named.constant @named.variable))
