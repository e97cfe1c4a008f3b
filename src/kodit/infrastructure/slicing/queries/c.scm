(function_definition
  declarator: (function_declarator declarator: (_) @name)) @definition.function
(function_definition
  declarator: (pointer_declarator
    declarator: (function_declarator declarator: (_) @name))) @definition.function
(function_definition
  declarator: (pointer_declarator
    declarator: (pointer_declarator
      declarator: (function_declarator declarator: (_) @name)))) @definition.function
(struct_specifier name: (type_identifier) @name body: (_)) @definition.struct
(union_specifier name: (type_identifier) @name body: (_)) @definition.struct
(enum_specifier name: (type_identifier) @name body: (_)) @definition.enum
(type_definition declarator: (type_identifier) @name) @definition.type
(type_definition
  declarator: (function_declarator
    (parenthesized_declarator (pointer_declarator (type_identifier) @name)))) @definition.type
(type_definition
  type: (struct_specifier body: (_)) declarator: (type_identifier) @name) @definition.struct
(type_definition
  type: (union_specifier body: (_)) declarator: (type_identifier) @name) @definition.struct
(type_definition
  type: (enum_specifier body: (_)) declarator: (type_identifier) @name) @definition.enum
(preproc_function_def name: (identifier) @name) @definition.macro
(preproc_def name: (identifier) @name value: (_)) @definition.constant
(translation_unit
  (declaration
    declarator: (init_declarator declarator: [
      (identifier) @name
      (array_declarator declarator: (identifier) @name)
    ] value: (initializer_list))) @definition.constant)

; A macro defines a function: one argument is its name, of several the whole call.
(function_definition
  declarator: (parenthesized_declarator . (identifier) @name .)) @definition.function
(translation_unit
  (expression_statement (call_expression function: (identifier)) @name) @definition.function
  . (compound_statement) @body)
(translation_unit
  (preproc_ifdef
    (expression_statement (call_expression function: (identifier)) @name) @definition.function
    . (compound_statement) @body))

(field_declaration declarator: (_) @declarator) @named.field
(enumerator name: (identifier) @name) @named.constant
(type_definition declarator: (_) @declarator) @named.type
(preproc_def name: (identifier) @name) @named.macro
[
  (translation_unit (declaration declarator: (_) @declarator) @named.variable)
  (preproc_ifdef (declaration declarator: (_) @declarator) @named.variable)
  (preproc_if (declaration declarator: (_) @declarator) @named.variable)
  (preproc_else (declaration declarator: (_) @declarator) @named.variable)
  (preproc_elif (declaration declarator: (_) @declarator) @named.variable)
  (declaration_list (declaration declarator: (_) @declarator) @named.variable)
]
[
  (translation_unit
    (declaration (type_qualifier "const") declarator: (_) @declarator) @named.constant)
  (preproc_ifdef
    (declaration (type_qualifier "const") declarator: (_) @declarator) @named.constant)
  (preproc_if
    (declaration (type_qualifier "const") declarator: (_) @declarator) @named.constant)
  (preproc_else
    (declaration (type_qualifier "const") declarator: (_) @declarator) @named.constant)
  (preproc_elif
    (declaration (type_qualifier "const") declarator: (_) @declarator) @named.constant)
  (declaration_list
    (declaration (type_qualifier "const") declarator: (_) @declarator) @named.constant)
]
