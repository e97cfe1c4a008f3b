(function_definition name: (identifier) @name) @definition.function
(decorated_definition definition: (function_definition name: (identifier) @name)) @definition.function
(class_definition name: (identifier) @name) @definition.class
(decorated_definition definition: (class_definition name: (identifier) @name)) @definition.class
(type_alias_statement left: (type (identifier) @name)) @definition.type
(module
  (expression_statement
    (assignment left: (identifier) @upper_name)) @definition.constant)
