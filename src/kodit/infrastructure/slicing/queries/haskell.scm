(declarations (function name: (_) @name) @definition.function)
(declarations (bind name: (_) @name) @definition.function)
(declarations (signature name: (_) @name) @definition.function)
(declarations (function (infix operator: (_) @name)) @definition.function)
(class_declarations (function name: (_) @name) @definition.function)
(class_declarations (bind name: (_) @name) @definition.function)
(class_declarations (signature name: (_) @name) @definition.function)
(instance_declarations (function name: (_) @name) @definition.function)
(instance_declarations (bind name: (_) @name) @definition.function)
(data_type name: (_) @name) @definition.type
(newtype name: (_) @name) @definition.type
(type_synonym name: (_) @name) @definition.type
(type_family name: (_) @name) @definition.type
(class name: (_) @name) @definition.trait
(instance name: (_) @name) @definition.scope
