(protocol_declaration . (identifier) @name) @definition.interface
(class_interface . (identifier) @name) @definition.class
(class_implementation . (identifier) @name) @definition.class
(method_definition . (_) . (identifier) @name) @definition.method
(method_declaration . (_) . (identifier) @name) @named.method
(function_definition declarator: (function_declarator declarator: (identifier) @name)) @definition.function
(function_definition declarator: (pointer_declarator
  declarator: (function_declarator declarator: (identifier) @name))) @definition.function
(struct_specifier name: (type_identifier) @name body: (_)) @definition.struct
(enum_specifier name: (type_identifier) @name body: (_)) @definition.enum
(type_definition declarator: (type_identifier) @name) @definition.type
(preproc_def name: (identifier) @name) @definition.macro
(preproc_function_def name: (identifier) @name) @definition.macro

(property_declaration (struct_declaration (struct_declarator (identifier) @name))) @named.property
(property_declaration (struct_declaration (struct_declarator
  (pointer_declarator declarator: (identifier) @name)))) @named.property
(instance_variable (struct_declaration (struct_declarator (identifier) @name))) @named.field
(instance_variable (struct_declaration (struct_declarator
  (pointer_declarator declarator: (identifier) @name)))) @named.field
(enumerator name: (identifier) @name) @named.constant
(translation_unit (declaration declarator: (init_declarator declarator: (identifier) @name))
  @named.variable)
(translation_unit (declaration declarator: (init_declarator
  declarator: (pointer_declarator declarator: (identifier) @name))) @named.variable)
