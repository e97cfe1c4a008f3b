(module (module_statement (name) @name)) @definition.module
(submodule (submodule_statement (name) @name .)) @definition.module
(program (program_statement (name) @name)) @definition.function
(function (function_statement name: (name) @name)) @definition.function
(subroutine (subroutine_statement name: (name) @name)) @definition.function
(derived_type_definition (derived_type_statement (type_name) @name)) @definition.struct
(interface (interface_statement (name) @name)) @definition.interface

(derived_type_definition (variable_declaration declarator: (identifier) @name @named.field))
(derived_type_procedures (procedure_statement declarator: (binding (binding_name (identifier) @name))
  @named.method))
(module (variable_declaration declarator: (identifier) @name @named.variable))
(module (variable_declaration declarator: (init_declarator left: (identifier) @name) @named.constant))
