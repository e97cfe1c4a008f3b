(class_declaration name: (identifier) @name) @definition.class
(class_declaration "interface" name: (identifier) @name) @definition.interface
(class_declaration (modifiers (class_modifier "enum")) name: (identifier) @name) @definition.enum
(object_declaration name: (identifier) @name) @definition.class
(companion_object) @definition.scope
(function_declaration name: (identifier) @name) @definition.function
(secondary_constructor "constructor" @name) @definition.function
(type_alias type: (identifier) @name) @definition.type
(source_file
  (property_declaration (variable_declaration (identifier) @name)) @definition.constant)

(class_parameter ["val" "var"] (identifier) @name) @named.property
(class_body (property_declaration (variable_declaration (identifier) @name)) @named.property)
(enum_class_body (property_declaration (variable_declaration (identifier) @name)) @named.property)
(property_declaration
  (modifiers (property_modifier "const"))
  (variable_declaration (identifier) @name)) @named.constant
(enum_entry (identifier) @name) @named.constant
(companion_object name: (identifier) @name) @named.class
