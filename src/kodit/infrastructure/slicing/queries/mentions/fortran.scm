(use_statement (module_name) @module @namespace)
(use_statement (module_name) @module (included_items (identifier) @import))
(subroutine_call subroutine: (identifier) @call)
(call_expression . (identifier) @call)
