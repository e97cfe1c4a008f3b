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

(header module: (module) @name) @named.module
(data_constructor (record name: (_) @name)) @named.constant
(data_constructor (prefix name: (_) @name)) @named.constant
(data_constructor (infix operator: (_) @name)) @named.constant
(newtype_constructor name: (_) @name) @named.constant
(gadt_constructor name: (_) @name) @named.constant
(gadt_constructor names: (binding_list (_) @name)) @named.constant
(field name: (field_name (_) @name)) @named.field
(pattern_synonym (equation synonym: (apply function: (constructor) @name))) @named.constant
(pattern_synonym
  (equation synonym: (apply function: (apply function: (constructor) @name)))) @named.constant
(pattern_synonym (equation synonym: (constructor) @name)) @named.constant
(data_family name: (_) @name) @named.type
(foreign_import (signature name: (_) @name)) @named.function
(declarations (signature names: (binding_list (_) @name)) @named.function)
(class_declarations (signature names: (binding_list (_) @name)) @named.function)
