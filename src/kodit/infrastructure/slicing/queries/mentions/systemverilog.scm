(include_compiler_directive (quoted_string) @module @namespace)
(package_import_item . (simple_identifier) @module @namespace)
(module_instantiation instance_type: (simple_identifier) @call)
(tf_call (hierarchical_identifier) @call)
