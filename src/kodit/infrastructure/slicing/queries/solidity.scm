(contract_declaration name: (identifier) @name) @definition.class
(interface_declaration name: (identifier) @name) @definition.interface
(library_declaration name: (identifier) @name) @definition.class
(struct_declaration name: (identifier) @name) @definition.struct
(enum_declaration name: (identifier) @name) @definition.enum
(function_definition name: (identifier) @name) @definition.function
(modifier_definition name: (identifier) @name) @definition.function
(constructor_definition "constructor" @name) @definition.function
(fallback_receive_definition ["fallback" "receive"] @name) @definition.function
(event_definition name: (identifier) @name) @definition.event
(constant_variable_declaration name: (identifier) @name) @definition.constant
(user_defined_type_definition name: (identifier) @name) @definition.type

(error_declaration name: (identifier) @name) @named.class
(state_variable_declaration name: (identifier) @name) @named.field
(struct_member name: (identifier) @name) @named.field
(enum_value) @name @named.constant
