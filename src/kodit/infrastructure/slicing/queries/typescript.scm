(function_declaration name: (identifier) @name) @definition.function
(function_signature name: (identifier) @name) @definition.function
(generator_function_declaration name: (identifier) @name) @definition.function
(class_declaration name: (type_identifier) @name) @definition.class
(abstract_class_declaration name: (type_identifier) @name) @definition.class
(export_statement
  (decorator)
  declaration: (class_declaration name: (type_identifier) @name)) @definition.class
(interface_declaration name: (type_identifier) @name) @definition.interface
(enum_declaration name: (identifier) @name) @definition.enum
(type_alias_declaration name: (type_identifier) @name) @definition.type
(internal_module name: (_) @name) @definition.module
(module name: (identifier) @name) @definition.module
(module name: (string (string_fragment) @name)) @definition.module
(method_definition name: (_) @name) @definition.function
(abstract_method_signature name: (_) @name) @definition.function

(lexical_declaration
  (variable_declarator
    name: (identifier) @name
    value: [(arrow_function) (function_expression) (generator_function)])) @definition.function
(variable_declaration
  (variable_declarator
    name: (identifier) @name
    value: [(arrow_function) (function_expression) (generator_function)])) @definition.function
(lexical_declaration
  (variable_declarator
    name: (identifier) @name
    value: (call_expression
      arguments: (arguments [(arrow_function) (function_expression)])))) @definition.function
(variable_declarator name: (identifier) @name value: (class)) @definition.class
(public_field_definition
  name: (_) @name
  value: [(arrow_function) (function_expression)]) @definition.function
(pair
  key: (property_identifier) @name
  value: [(arrow_function) (function_expression)]) @definition.function
(expression_statement
  (assignment_expression
    left: (member_expression) @name
    right: [(arrow_function) (function_expression)])) @definition.function

(program
  (lexical_declaration
    (variable_declarator name: (identifier) @name value: [(object) (array)])) @definition.constant)
(program
  (export_statement
    declaration: (lexical_declaration
      (variable_declarator name: (identifier) @name value: [(object) (array)]))) @definition.constant)
(program
  (lexical_declaration (variable_declarator name: (identifier) @upper_name)) @definition.constant)
(program
  (export_statement
    declaration: (lexical_declaration
      (variable_declarator name: (identifier) @upper_name))) @definition.constant)
