(namespace_declaration name: (_) @name) @definition.namespace
(class_declaration name: (identifier) @name) @definition.class
(record_declaration name: (identifier) @name) @definition.class
(struct_declaration name: (identifier) @name) @definition.struct
(interface_declaration name: (identifier) @name) @definition.interface
(enum_declaration name: (identifier) @name) @definition.enum
(delegate_declaration name: (identifier) @name) @definition.type
(method_declaration name: (identifier) @name) @definition.function
(constructor_declaration name: (identifier) @name) @definition.function
(destructor_declaration name: (identifier) @name) @definition.function
(local_function_statement name: (identifier) @name) @definition.function
(operator_declaration "operator" . _ @operator) @definition.function
(operator_declaration "operator" . "checked" . _ @operator) @definition.function
(conversion_operator_declaration type: (_) @operator) @definition.function
(indexer_declaration "this" @name) @definition.function
(property_declaration
  name: (identifier) @name
  accessors: (accessor_list (accessor_declaration body: (_)))) @definition.property
(property_declaration name: (identifier) @name) @named.property
(field_declaration
  (variable_declaration (variable_declarator name: (identifier) @name))) @named.field
(field_declaration
  (modifier "const")
  (variable_declaration (variable_declarator name: (identifier) @name))) @named.constant
(field_declaration
  (modifier "static")
  (modifier "readonly")
  (variable_declaration (variable_declarator name: (identifier) @name))) @named.constant
(enum_member_declaration name: (identifier) @name) @named.constant
(event_declaration name: (identifier) @name) @named.event
(event_field_declaration
  (variable_declaration (variable_declarator name: (identifier) @name))) @named.event
(record_declaration
  (parameter_list (parameter name: (identifier) @name) @named.property))

(attribute
  name: (identifier) @keyword.route
  (attribute_argument_list
    . (attribute_argument (string_literal (string_literal_content) @name)))) @named.keyword
(invocation_expression
  function: (member_access_expression name: (identifier) @keyword.route)
  arguments: (argument_list
    . (argument (string_literal (string_literal_content) @name)))) @named.keyword
