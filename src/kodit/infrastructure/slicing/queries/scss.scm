(mixin_statement name: (identifier) @name) @definition.function
(function_statement name: (identifier) @name) @definition.function

(stylesheet (declaration (property_name) @name) @named.variable)
(placeholder (identifier) @name) @named.class
(keyframes_statement (keyframes_name) @name) @named.function
