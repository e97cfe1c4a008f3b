(function_statement (function_name) @name) @definition.function
(class_statement . (simple_name) @name) @definition.class
(enum_statement . (simple_name) @name) @definition.enum
(class_method_definition (simple_name) @name) @definition.function

(class_property_definition (variable) @name) @named.property
(enum_member (simple_name) @name) @named.constant
(program (statement_list
  (pipeline (assignment_expression (left_assignment_expression) @name)) @named.variable))
(program (param_block (parameter_list (script_parameter (variable) @name) @named.variable)))
