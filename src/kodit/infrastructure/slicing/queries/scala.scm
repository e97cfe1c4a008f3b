(class_definition name: (_) @name) @definition.class
(object_definition name: (_) @name) @definition.class
(trait_definition name: (_) @name) @definition.trait
(enum_definition name: (_) @name) @definition.enum
(function_definition name: (_) @name) @definition.function
(function_declaration name: (_) @name) @definition.function
(type_definition name: (type_identifier) @name) @definition.type
(given_definition) @definition.scope
(given_definition name: (_) @name) @definition.scope
(extension_definition) @definition.scope
(template_body (val_definition pattern: (identifier) @name) @definition.constant)
(compilation_unit (val_definition pattern: (identifier) @name) @definition.constant)

(class_definition
  class_parameters: (class_parameters (class_parameter name: (identifier) @name) @named.field))
(enum_definition
  class_parameters: (class_parameters (class_parameter name: (identifier) @name) @named.field))
(full_enum_case
  class_parameters: (class_parameters (class_parameter name: (identifier) @name) @named.field))
(template_body (val_definition pattern: (tuple_pattern (identifier) @name)) @named.constant)
(compilation_unit (val_definition pattern: (tuple_pattern (identifier) @name)) @named.constant)
(template_body (var_definition pattern: (identifier) @name) @named.variable)
(compilation_unit (var_definition pattern: (identifier) @name) @named.variable)
(template_body (val_declaration name: (identifier) @name) @named.constant)
(template_body (var_declaration name: (identifier) @name) @named.variable)
(enum_body (val_definition pattern: (identifier) @name) @named.constant)
(simple_enum_case name: (identifier) @name) @named.constant
(full_enum_case name: (identifier) @name) @named.constant
(given_definition name: (_) @name) @named.constant
(package_object name: (identifier) @name) @named.module
