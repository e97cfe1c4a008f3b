(command command_name: (command_name) @call)
(command command_name: (command_name) @modules command_elements: (command_elements (generic_token) @module @namespace .))
(command (command_invokation_operator) command_name: (command_name_expr (command_name) @module @namespace))
(invokation_expression . (type_literal) @qualifier (member_name (simple_name) @call))
(invokation_expression . (variable) @qualifier (member_name (simple_name) @call))
(class_statement . (simple_name) @alias (simple_name) @inherits)
(type_identifier) @type
