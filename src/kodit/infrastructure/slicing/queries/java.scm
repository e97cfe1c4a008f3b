(class_declaration name: (identifier) @name) @definition.class
(record_declaration name: (identifier) @name) @definition.class
(interface_declaration name: (identifier) @name) @definition.interface
(annotation_type_declaration name: (identifier) @name) @definition.interface
(enum_declaration name: (identifier) @name) @definition.enum
(method_declaration name: (identifier) @name) @definition.function
(constructor_declaration name: (identifier) @name) @definition.function
(compact_constructor_declaration name: (identifier) @name) @definition.function
(field_declaration
  declarator: (variable_declarator name: (identifier) @upper_name)) @named.constant @named.field
(constant_declaration declarator: (variable_declarator name: (identifier) @name)) @named.constant
(enum_constant name: (identifier) @name) @named.constant
(record_declaration
  parameters: (formal_parameters (formal_parameter name: (identifier) @name) @named.field))
(annotation_type_element_declaration name: (identifier) @name) @named.function

(annotation
  name: (identifier) @keyword.route
  arguments: (annotation_argument_list [
    (string_literal (string_fragment) @name)
    (element_value_pair value: (string_literal (string_fragment) @name))
  ])) @named.keyword
