(binding attrpath: (attrpath) @name expression: (function_expression)) @definition.function
(binding attrpath: (attrpath) @name expression: (attrset_expression)) @definition.variable
(binding attrpath: (attrpath) @name) @named.variable
