(preproc_include "#import" @namespace path: (_) @module)
(preproc_include "#include" @namespace path: (_) @module)
(module_import path: (_) @import)
(class_interface . (identifier) @alias superclass: (identifier) @inherits)
(message_expression receiver: (_) @qualifier method: (identifier) @call)
(call_expression function: [(identifier) (field_expression)] @call)
(type_identifier) @type
(declaration type: (_) @annotation declarator: (pointer_declarator declarator: (identifier) @alias))
(declaration type: (_) @annotation declarator: (init_declarator declarator: (pointer_declarator declarator: (identifier) @alias)))
