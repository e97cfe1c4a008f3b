(function_declaration name: (identifier) @name) @definition.function
(source_file (variable_declaration "const" . (identifier) @name) @definition.constant)
(variable_declaration "const" . (identifier) @name (struct_declaration)) @definition.struct
(variable_declaration "const" . (identifier) @name (union_declaration)) @definition.struct
(variable_declaration "const" . (identifier) @name (enum_declaration)) @definition.enum
(variable_declaration "const" . (identifier) @name (error_set_declaration)) @definition.enum
(test_declaration) @definition.scope
