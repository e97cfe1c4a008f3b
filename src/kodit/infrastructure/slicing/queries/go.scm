(function_declaration name: (identifier) @name) @definition.function
(method_declaration
  receiver: (parameter_list
    (parameter_declaration
      type: [
        (type_identifier) @scope
        (generic_type type: (type_identifier) @scope)
        (pointer_type (type_identifier) @scope)
        (pointer_type (generic_type type: (type_identifier) @scope))
      ]))
  name: (field_identifier) @name) @definition.method
(type_spec name: (type_identifier) @name) @definition.type
(type_spec name: (type_identifier) @name type: (struct_type)) @definition.struct
(type_spec name: (type_identifier) @name type: (interface_type)) @definition.interface
(type_alias name: (type_identifier) @name) @definition.type
(source_file (const_declaration (const_spec . name: (identifier) @name) @definition.constant))
(source_file (var_declaration (var_spec . name: (identifier) @name) @definition.constant))
(source_file
  (var_declaration (var_spec_list (var_spec . name: (identifier) @name) @definition.constant)))

(field_declaration name: (field_identifier) @name) @named.field
(field_declaration !name type: (type_identifier) @name) @named.field
(field_declaration !name type: (qualified_type name: (type_identifier) @name)) @named.field
(field_declaration
  !name type: (generic_type type: (type_identifier) @name)) @named.field
(method_elem name: (field_identifier) @name) @named.method
(source_file (const_declaration (const_spec (identifier) @name) @named.constant))
(source_file (var_declaration (var_spec name: (identifier) @name) @named.variable))
(source_file
  (var_declaration (var_spec_list (var_spec name: (identifier) @name) @named.variable)))

(call_expression
  function: (selector_expression field: (field_identifier) @keyword.route)
  arguments: (argument_list . (interpreted_string_literal) @name . (_))) @named.keyword
