(apply_expression function: (variable_expression name: (identifier) @requiring) argument: (path_expression) @module @bare)
(apply_expression function: (variable_expression name: (identifier) @call))
(apply_expression function: (select_expression attrpath: (attrpath attr: (identifier) @call .)))
