(function_definition
  declarator: (function_declarator declarator: (_) @name)) @definition.function
(function_definition
  declarator: (pointer_declarator
    declarator: (function_declarator declarator: (_) @name))) @definition.function
(function_definition
  declarator: (reference_declarator
    (function_declarator declarator: (_) @name))) @definition.function
(function_definition
  declarator: [(operator_cast) (qualified_identifier)] @name) @definition.function
(template_declaration
  (function_definition
    declarator: (function_declarator declarator: (_) @name))) @definition.function
(template_declaration
  (function_definition
    declarator: (pointer_declarator
      declarator: (function_declarator declarator: (_) @name)))) @definition.function
(template_declaration
  (function_definition
    declarator: (reference_declarator
      (function_declarator declarator: (_) @name)))) @definition.function
(class_specifier name: (_) @name body: (_)) @definition.class
(struct_specifier name: (_) @name body: (_)) @definition.struct
(union_specifier name: (_) @name body: (_)) @definition.struct
(enum_specifier name: (_) @name body: (_)) @definition.enum
(template_declaration (class_specifier name: (_) @name body: (_))) @definition.class
(template_declaration (struct_specifier name: (_) @name body: (_))) @definition.struct
(namespace_definition name: (_) @name) @definition.namespace
(concept_definition name: (identifier) @name) @definition.interface
(template_declaration (concept_definition name: (identifier) @name)) @definition.interface
(alias_declaration name: (type_identifier) @name) @definition.type
(template_declaration (alias_declaration name: (type_identifier) @name)) @definition.type
(type_definition declarator: (type_identifier) @name) @definition.type
(type_definition
  type: (struct_specifier body: (_)) declarator: (type_identifier) @name) @definition.struct
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

; A test macro defines a test named by its whole call.
(translation_unit
  (function_definition
    !type
    declarator: (function_declarator declarator: (identifier)) @name) @definition.function)
(declaration_list
  (function_definition
    !type
    declarator: (function_declarator declarator: (identifier)) @name) @definition.function)

(field_declaration declarator: (_) @declarator) @named.field
(enumerator name: (identifier) @name) @named.constant
(type_definition declarator: (_) @declarator) @named.type
(preproc_def name: (identifier) @name) @named.macro
(field_declaration
  (type_qualifier ["const" "constexpr"]) declarator: (_) @declarator) @named.constant
(field_declaration
  declarator: (function_declarator declarator: (field_identifier) @name)
  default_value: (number_literal)) @named.function
(namespace_alias_definition name: (namespace_identifier) @name) @named.module
(template_declaration (declaration declarator: (_) @declarator)) @named.variable
(field_declaration_list (declaration declarator: (_) @declarator) @named.variable)
(friend_declaration (declaration declarator: (_) @declarator)) @named.variable
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
    (declaration (type_qualifier ["const" "constexpr"]) declarator: (_) @declarator) @named.constant)
  (preproc_ifdef
    (declaration (type_qualifier ["const" "constexpr"]) declarator: (_) @declarator) @named.constant)
  (preproc_if
    (declaration (type_qualifier ["const" "constexpr"]) declarator: (_) @declarator) @named.constant)
  (preproc_else
    (declaration (type_qualifier ["const" "constexpr"]) declarator: (_) @declarator) @named.constant)
  (preproc_elif
    (declaration (type_qualifier ["const" "constexpr"]) declarator: (_) @declarator) @named.constant)
  (declaration_list
    (declaration (type_qualifier ["const" "constexpr"]) declarator: (_) @declarator) @named.constant)
]
