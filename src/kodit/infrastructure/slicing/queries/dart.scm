(class_definition name: (identifier) @name) @definition.class
(mixin_declaration (identifier) @name) @definition.class
(enum_declaration name: (identifier) @name) @definition.enum
(extension_declaration name: (identifier) @name) @definition.class
(type_alias (type_identifier) @name) @definition.type
((function_signature name: (identifier) @name) @definition.function . (function_body) @body)
(method_signature (function_signature name: (identifier) @name)) @definition.function
((method_signature (function_signature name: (identifier) @name)) @definition.function
  . (function_body) @body)
((getter_signature name: (identifier) @name) @definition.property . (function_body) @body)
((setter_signature name: (identifier) @name) @definition.property . (function_body) @body)
((method_signature (getter_signature name: (identifier) @name)) @definition.property
  . (function_body) @body)
((method_signature (setter_signature name: (identifier) @name)) @definition.property
  . (function_body) @body)
((method_signature (operator_signature "operator" . _ @name)) @definition.function
  . (function_body) @body)
((method_signature (constructor_signature name: (identifier) @name)) @definition.function
  . (function_body) @body)
((method_signature (factory_constructor_signature (identifier) (identifier) @name)) @definition.function
  . (function_body) @body)
(declaration (constructor_signature name: (identifier) @name .)) @definition.function
(declaration (constructor_signature name: (identifier) @name (formal_parameter_list))) @named.method
(declaration (function_signature name: (identifier) @name)) @definition.function
(program (static_final_declaration_list (static_final_declaration (identifier) @name)) @definition.constant)

(declaration (static_final_declaration_list (static_final_declaration (identifier) @name))) @named.constant
(declaration (initialized_identifier_list (initialized_identifier . (identifier) @name))) @named.field
(program (initialized_identifier_list (initialized_identifier . (identifier) @name)) @named.variable)
(enum_constant name: (identifier) @name) @named.constant
(declaration (getter_signature name: (identifier) @name)) @named.property
