(call_expression function: [(identifier) (field_expression)] @call)
(call_expression function: (generic_function function: [(identifier) (field_expression)] @call))
(infix_expression left: (_) @qualifier operator: (identifier) @call)
(instance_expression (type_identifier) @call)
(instance_expression (generic_type type: (_) @call))
(annotation name: (_) @call)
(class_definition name: (_) @alias extend: (extends_clause [(type_identifier) (stable_type_identifier)] @inherits))
(class_definition name: (_) @alias extend: (extends_clause (generic_type type: (_) @inherits)))
(object_definition name: (_) @alias extend: (extends_clause [(type_identifier) (stable_type_identifier)] @inherits))
(object_definition name: (_) @alias extend: (extends_clause (generic_type type: (_) @inherits)))
(trait_definition name: (_) @alias extend: (extends_clause [(type_identifier) (stable_type_identifier)] @inherits))
(trait_definition name: (_) @alias extend: (extends_clause (generic_type type: (_) @inherits)))
(enum_definition name: (_) @alias extend: (extends_clause (type_identifier) @inherits))
(import_declaration (identifier) @import .) @from
(import_declaration (namespace_selectors (identifier) @import)) @from
(import_declaration (namespace_selectors (arrow_renamed_identifier name: (_) @import alias: (_) @alias))) @from
(import_declaration (namespace_selectors (as_renamed_identifier name: (_) @import alias: (_) @alias))) @from
(import_declaration (as_renamed_identifier name: (_) @import alias: (_) @alias)) @from
(import_declaration (namespace_selectors . (namespace_wildcard) @namespace)) @from
(import_declaration (namespace_wildcard) @namespace) @from
(export_declaration (identifier) @import .) @from
(export_declaration (namespace_selectors (identifier) @import)) @from
(export_declaration (namespace_wildcard) @namespace) @from
(type_identifier) @type
(stable_type_identifier) @type
(val_definition pattern: (identifier) @alias type: (_) @annotation)
(var_definition pattern: (identifier) @alias type: (_) @annotation)
(val_definition pattern: (identifier) @alias !type value: [(call_expression) (instance_expression)] @value)
(var_definition pattern: (identifier) @alias !type value: [(call_expression) (instance_expression)] @value)
(val_definition pattern: (identifier) @alias !type value: (field_expression) @read)
(class_parameter name: (_) @alias type: (_) @annotation)
(parameter name: (_) @alias type: (_) @annotation)
(enumerator . (identifier) @alias . [(identifier) (field_expression)] @read)
(enumerator . (identifier) @alias . (call_expression) @value)
(typed_pattern pattern: (identifier) @alias type: (_) @annotation)
(function_definition name: (_) @returns return_type: (_) @annotation)
(function_declaration name: (_) @returns return_type: (_) @annotation)
(assignment_expression left: [(identifier) (field_expression)] @write)
(type_definition name: (_) @declares)
