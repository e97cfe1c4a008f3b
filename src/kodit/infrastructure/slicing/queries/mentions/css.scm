(import_statement (string_value) @module @namespace)
(import_statement (call_expression (arguments (string_value) @module @namespace)))
