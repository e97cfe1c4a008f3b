(namespace_definition name: (_) @name body: (_)) @definition.namespace
(class_declaration name: (name) @name) @definition.class
(interface_declaration name: (name) @name) @definition.interface
(trait_declaration name: (name) @name) @definition.trait
(enum_declaration name: (name) @name) @definition.enum
(function_definition name: (name) @name) @definition.function
(method_declaration name: (name) @name) @definition.function
(program (const_declaration (const_element . (name) @name)) @definition.constant)
(program
  (expression_statement
    (assignment_expression
      left: (variable_name (name) @name)
      right: [(anonymous_function) (arrow_function)])) @definition.function)

(const_declaration (const_element . (name) @name)) @named.constant
(function_call_expression
  function: (name) @keyword
  arguments: (arguments . (argument [
    (string (string_content) @name)
    (encapsed_string (string_content) @name)
  ]))) @named.keyword
(property_declaration
  (property_element name: (variable_name (name) @name))) @named.field
(property_promotion_parameter name: (variable_name (name) @name)) @member.field
(enum_case name: (name) @name) @named.constant
(program
  (expression_statement
    (assignment_expression left: (variable_name (name) @name))) @named.variable)

(scoped_call_expression
  scope: (name) @keyword.router
  arguments: (arguments
    . (argument [
      (string (string_content) @name)
      (encapsed_string (string_content) @name)
    ]) . (_))) @named.keyword
