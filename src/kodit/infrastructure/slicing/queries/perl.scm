(package_statement name: (package) @name (block)) @definition.class
(package_statement name: (package) @name) @named.class
(class_statement name: (package) @name) @definition.class
(subroutine_declaration_statement name: (bareword) @name) @definition.function
(method_declaration_statement name: (bareword) @name) @definition.function

(source_file (use_statement module: (package)
  (list_expression . (autoquoted_bareword) @name)) @named.constant)
(use_statement module: (package)
  (anonymous_hash_expression (list_expression (autoquoted_bareword) @name @named.constant)))
(source_file (expression_statement (assignment_expression
  left: (variable_declaration variable: (scalar (varname) @name)))) @named.variable)
(source_file (expression_statement (variable_declaration
  variable: (_ (varname) @name))) @named.variable)
