(compilation_unit (value_definition (let_binding pattern: (value_name) @name) @definition.constant))
(value_definition (let_binding pattern: (value_name) @name (parameter)) @definition.function)
(value_definition (let_binding pattern: (value_name) @name body: (fun_expression)) @definition.function)
(value_definition (let_binding pattern: (value_name) @name body: (function_expression)) @definition.function)
(value_definition (let_binding pattern: (parenthesized_operator (_) @name)) @definition.function)
(module_definition (module_binding (module_name) @name)) @definition.module
(module_type_definition (module_type_name) @name) @definition.interface
(type_definition (type_binding name: (_) @name)) @definition.type
(exception_definition (constructor_declaration (constructor_name) @name)) @definition.class
(class_definition (class_binding (class_name) @name)) @definition.class
(external (value_name) @name) @definition.function
(value_specification (value_name) @name) @definition.function
(method_definition (method_name) @name) @definition.function

(structure (value_definition (let_binding pattern: (value_name) @name)) @named.constant)
(field_declaration . (field_name) @name) @named.field
(variant_declaration (constructor_declaration (constructor_name) @name) @named.constant)
(instance_variable_definition (instance_variable_name) @name) @named.field
