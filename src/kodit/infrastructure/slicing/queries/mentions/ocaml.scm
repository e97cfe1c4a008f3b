(open_module module: (_) @module @namespace)
(include_module module: (_) @module @namespace)
(module_binding (module_name) @alias body: (module_path) @import)
(application_expression function: (value_path) @call)
(infix_expression operator: (rel_operator) @composed right: (value_path) @call)
(infix_expression operator: (_) @composing left: (value_path) @call)
(type_constructor_path) @type
