(module_definition name: (identifier) @name) @definition.module
(abstract_definition (type_head (_) @name)) @definition.type
(primitive_definition (type_head (_) @name)) @definition.type
(struct_definition (type_head (identifier) @name)) @definition.struct
(struct_definition (type_head (parametrized_type_expression . (identifier) @name))) @definition.struct
(struct_definition (type_head (binary_expression . (identifier) @name))) @definition.struct
(struct_definition (type_head (binary_expression
  . (parametrized_type_expression . (identifier) @name)))) @definition.struct
(function_definition (signature (call_expression . (_) @name))) @definition.function
(function_definition (signature (where_expression . (call_expression . (_) @name)))) @definition.function
(function_definition (signature (typed_expression . (call_expression . (_) @name)))) @definition.function
(function_definition (signature (identifier) @name)) @definition.function
(macro_definition (signature (call_expression . (_) @name))) @definition.macro
(assignment . (call_expression . (_) @name)) @definition.function
(const_statement (assignment . (identifier) @name)) @definition.constant

(struct_definition (typed_expression . (identifier) @name) @named.field)
(source_file (assignment . (identifier) @name) @named.variable)
(module_definition (assignment . (identifier) @name) @named.variable)
