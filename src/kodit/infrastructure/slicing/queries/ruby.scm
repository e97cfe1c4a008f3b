(method name: (_) @name) @definition.function
(singleton_method name: (_) @name) @definition.function
(class name: (_) @name) @definition.class
(module name: (_) @name) @definition.module
(singleton_class) @definition.scope
(assignment left: (constant) @name) @definition.constant

(assignment left: (left_assignment_list (constant) @name)) @named.constant
(operator_assignment left: (constant) @name) @named.constant
(program (assignment left: (global_variable) @name) @named.variable)
(body_statement (assignment left: (class_variable) @name) @named.variable)
(alias name: (_) @name) @named.function
(call
  method: (identifier) @keyword
  arguments: (argument_list (simple_symbol) @name)) @named.keyword
(call
  method: (identifier) @keyword.first
  arguments: (argument_list . (simple_symbol) @name)) @named.keyword
(call
  method: (identifier) @keyword.string
  arguments: (argument_list . (string (string_content) @name))) @named.keyword
(call
  method: (identifier) @keyword.first
  arguments: (argument_list . (pair key: [
    (simple_symbol) @name
    (hash_key_symbol) @name
    (string (string_content) @name)
  ]))) @named.keyword
(assignment
  left: (constant)
  right: (call
    method: (identifier) @keyword.record
    arguments: (argument_list (simple_symbol) @name @named.keyword)))
