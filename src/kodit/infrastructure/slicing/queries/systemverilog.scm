(module_declaration (module_ansi_header name: (_) @name)) @definition.module
(module_declaration (module_nonansi_header name: (_) @name)) @definition.module
(interface_declaration (interface_ansi_header name: (_) @name)) @definition.interface
(package_declaration name: (_) @name) @definition.module
(class_declaration name: (_) @name) @definition.class
(function_declaration (function_body_declaration name: (_) @name)) @definition.function
(task_declaration (task_body_declaration name: (_) @name)) @definition.function
(class_constructor_declaration "new" @name) @definition.function
(text_macro_definition (text_macro_name (simple_identifier) @name)) @definition.macro
(type_declaration type_name: (_) @name) @definition.type
(constraint_declaration (simple_identifier) @name) @definition.function

(enum_name_declaration . (simple_identifier) @name) @named.constant
(parameter_declaration (list_of_param_assignments (param_assignment . (_) @name) @named.constant))
(local_parameter_declaration (list_of_param_assignments (param_assignment . (_) @name) @named.constant))
(data_declaration (list_of_variable_decl_assignments
  (variable_decl_assignment name: (_) @name) @named.variable))
(struct_union_member (list_of_variable_decl_assignments
  (variable_decl_assignment name: (_) @name) @named.field))
(class_property (data_declaration (list_of_variable_decl_assignments
  (variable_decl_assignment name: (_) @name) @named.field)))
(modport_item . (simple_identifier) @name) @named.interface
