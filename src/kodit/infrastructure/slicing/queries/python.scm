(function_definition name: (identifier) @name) @definition.function
(decorated_definition definition: (function_definition name: (identifier) @name)) @definition.function
(decorated_definition
  (decorator [(identifier) @keyword (attribute attribute: (identifier) @keyword)])
  definition: (function_definition name: (identifier) @name)) @definition.keyword
(class_definition name: (identifier) @name) @definition.class
(decorated_definition definition: (class_definition name: (identifier) @name)) @definition.class
(type_alias_statement left: (type (identifier) @name)) @definition.type
(type_alias_statement left: (type (generic_type (identifier) @name))) @definition.type

(module
  (expression_statement
    (assignment left: (identifier) @upper_name)) @definition.constant @named.variable)
(module
  (expression_statement
    (assignment right: (assignment left: (identifier) @upper_name))) @named.constant @named.variable)
(module
  (expression_statement
    (assignment
      left: [(pattern_list (identifier) @upper_name) (tuple_pattern (identifier) @upper_name)]))
  @named.constant @named.variable)
(module
  (if_statement [
    (block (expression_statement
      (assignment left: (identifier) @upper_name)) @named.constant @named.variable)
    (_ (block (expression_statement
      (assignment left: (identifier) @upper_name)) @named.constant @named.variable))
  ]))
(module
  (try_statement [
    (block (expression_statement
      (assignment left: (identifier) @upper_name)) @named.constant @named.variable)
    (_ (block (expression_statement
      (assignment left: (identifier) @upper_name)) @named.constant @named.variable))
  ]))
(module
  (with_statement
    (block (expression_statement
      (assignment left: (identifier) @upper_name)) @named.constant @named.variable)))
(class_definition
  body: (block
    (expression_statement
      (assignment left: (identifier) @upper_name)) @named.constant @named.field))
(class_definition
  body: (block
    (expression_statement
      (assignment right: (assignment left: (identifier) @upper_name))) @named.constant @named.field))
(class_definition
  body: (block
    (expression_statement
      (assignment left: (pattern_list (identifier) @upper_name))) @named.constant @named.field))
(class_definition
  body: (block
    (if_statement [
      (block (expression_statement
      (assignment left: (identifier) @upper_name)) @named.constant @named.field)
      (_ (block (expression_statement
      (assignment left: (identifier) @upper_name)) @named.constant @named.field))
    ])))
(class_definition
  body: (block
    (try_statement [
      (block (expression_statement
      (assignment left: (identifier) @upper_name)) @named.constant @named.field)
      (_ (block (expression_statement
      (assignment left: (identifier) @upper_name)) @named.constant @named.field))
    ])))

(decorator
  (call
    function: (attribute attribute: (identifier) @keyword.route)
    arguments: (argument_list . (string (string_content) @name)))) @named.keyword
