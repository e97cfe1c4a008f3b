(function_declaration name: (identifier) @name) @definition.function
(generator_function_declaration name: (identifier) @name) @definition.function
(class_declaration name: (identifier) @name) @definition.class
(export_statement (decorator) declaration: (class_declaration name: (identifier) @name)) @definition.class
(method_definition name: (_) @name) @definition.function

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
(field_definition
  property: (_) @name
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
(field_definition property: (_) @name) @named.field
(method_definition "get" name: (_) @name) @definition.property
(method_definition "set" name: (_) @name) @definition.property

(program
  (lexical_declaration (variable_declarator name: (identifier) @name) @named.constant))
(program
  (export_statement
    declaration: (lexical_declaration
      (variable_declarator name: (identifier) @name) @named.constant)))
(program
  (variable_declaration (variable_declarator name: (identifier) @name) @named.variable))
(program
  (export_statement
    declaration: (variable_declaration
      (variable_declarator name: (identifier) @name) @named.variable)))
(program
  (lexical_declaration kind: "let" (variable_declarator name: (identifier) @name) @named.variable))
(program
  (export_statement
    declaration: (lexical_declaration
      kind: "let" (variable_declarator name: (identifier) @name) @named.variable)))

(program
  (lexical_declaration
    (variable_declarator
      value: (object (pair key: (property_identifier) @name) @named.property))))
(program
  (variable_declaration
    (variable_declarator
      value: (object (pair key: (property_identifier) @name) @named.property))))
(program
  (export_statement
    declaration: (lexical_declaration
      (variable_declarator
        value: (object (pair key: (property_identifier) @name) @named.property)))))
(program
  (export_statement value: (object (pair key: (property_identifier) @name) @named.property)))
(program
  (expression_statement
    (assignment_expression left: (member_expression) @name) @named.property))
(program
  (expression_statement
    (assignment_expression
      right: (object (pair key: (property_identifier) @name) @named.property))))

(program
  (lexical_declaration
    (variable_declarator
      name: (identifier) @name
      value: (call_expression
        arguments: (arguments
          (call_expression
            arguments: (arguments [(arrow_function) (function_expression)]))))) @named.function))
(program
  (export_statement
    declaration: (lexical_declaration
      (variable_declarator
        name: (identifier) @name
        value: (call_expression
          arguments: (arguments
            (call_expression
              arguments: (arguments [(arrow_function) (function_expression)]))))) @named.function)))

(program
  (lexical_declaration
    (variable_declarator name: (array_pattern (identifier) @name)) @named.constant))
(program
  (lexical_declaration
    (variable_declarator
      name: (object_pattern (shorthand_property_identifier_pattern) @name)) @named.constant))
(program
  (export_statement
    declaration: (lexical_declaration
      (variable_declarator name: [
        (array_pattern (identifier) @name)
        (object_pattern (shorthand_property_identifier_pattern) @name)
        (object_pattern (pair_pattern value: (identifier) @name))
      ]) @named.constant)))

(call_expression
  function: (member_expression object: (identifier) @keyword.router)
  arguments: (arguments . (string (string_fragment) @name) . (_))) @named.keyword
(pair
  key: (property_identifier) @keyword.pair
  value: (string (string_fragment) @name)) @named.keyword
