(function_definition name: (identifier) @name) @definition.function
(module (expression_statement (call
  arguments: (argument_list (keyword_argument
    name: (identifier) @keyword.argument
    value: (string (string_content) @name)))) @definition.keyword))
(module (expression_statement (assignment left: (identifier) @upper_name) @definition.constant))
(module (expression_statement (assignment left: (identifier) @upper_name) @named.variable))
