(function_declaration name: (identifier) @name) @definition.function
(source_file (variable_declaration "const" . (identifier) @name) @definition.constant)
(variable_declaration "const" . (identifier) @name (struct_declaration)) @definition.struct
(variable_declaration "const" . (identifier) @name (union_declaration)) @definition.struct
(variable_declaration "const" . (identifier) @name (enum_declaration)) @definition.enum
(variable_declaration "const" . (identifier) @name (error_set_declaration)) @definition.enum
(test_declaration) @definition.scope

(container_field name: (identifier) @name) @named.field
(enum_declaration (container_field name: (identifier) @name) @named.constant)
(error_set_declaration (identifier) @name @named.constant)
(source_file (variable_declaration "var" . (identifier) @name) @named.variable)
(struct_declaration (variable_declaration "const" . (identifier) @name) @named.constant)
(union_declaration (variable_declaration "const" . (identifier) @name) @named.constant)
(enum_declaration (variable_declaration "const" . (identifier) @name) @named.constant)
(struct_declaration (variable_declaration "var" . (identifier) @name) @named.variable)
(return_expression [
  (struct_declaration)
  (union_declaration)
  (enum_declaration)
] @named.scope)
(test_declaration (string (string_content) @name)) @named.function
