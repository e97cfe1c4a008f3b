(class_declaration name: (type_identifier) @name) @definition.class
(class_declaration declaration_kind: "struct" name: (type_identifier) @name) @definition.struct
(class_declaration declaration_kind: "enum" name: (type_identifier) @name) @definition.enum
(class_declaration declaration_kind: "extension" name: (_) @name) @definition.scope
(protocol_declaration name: (type_identifier) @name) @definition.interface
(function_declaration "func" . _ @name) @definition.function
(protocol_function_declaration "func" . _ @name) @definition.function
(init_declaration "init" @name) @definition.function
(deinit_declaration "deinit" @name) @definition.function
(subscript_declaration "subscript" @name) @definition.function
(property_declaration
  name: (pattern bound_identifier: (simple_identifier) @name)
  computed_value: (_)) @definition.property
(typealias_declaration name: (type_identifier) @name) @definition.type
(source_file
  (property_declaration
    name: (pattern bound_identifier: (simple_identifier) @name)
    value: (_)) @definition.constant)

(class_body
  (property_declaration
    name: (pattern bound_identifier: (simple_identifier) @name)) @named.property)
(enum_class_body
  (property_declaration
    name: (pattern bound_identifier: (simple_identifier) @name)) @named.property)
(source_file
  (property_declaration
    name: (pattern bound_identifier: (simple_identifier) @name)) @named.variable)
(source_file
  (property_declaration
    name: (pattern (pattern (simple_identifier) @name))) @named.variable)
(protocol_property_declaration
  name: (pattern bound_identifier: (simple_identifier) @name)) @named.property
(associatedtype_declaration name: (type_identifier) @name) @named.type
(enum_entry name: (simple_identifier) @name) @named.constant
(macro_declaration (simple_identifier) @name) @named.macro
(operator_declaration (custom_operator) @name) @named.function
(precedence_group_declaration . (simple_identifier) @name) @named.type
