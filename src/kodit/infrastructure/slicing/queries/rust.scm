(function_item name: (identifier) @name) @definition.function
(function_signature_item name: (identifier) @name) @definition.function
(struct_item name: (type_identifier) @name) @definition.struct
(union_item name: (type_identifier) @name) @definition.struct
(enum_item name: (type_identifier) @name) @definition.enum
(trait_item name: (type_identifier) @name) @definition.trait
(type_item name: (type_identifier) @name) @definition.type
(const_item name: (identifier) @name) @definition.constant
(static_item name: (identifier) @name) @definition.constant
(macro_definition name: (identifier) @name) @definition.macro
(mod_item name: (identifier) @name body: (_)) @definition.module
(impl_item) @definition.scope
(impl_item
  type: [
    (type_identifier) @name
    (generic_type type: (type_identifier) @name)
    (scoped_type_identifier name: (type_identifier) @name)
    (generic_type type: (scoped_type_identifier name: (type_identifier) @name))
    (reference_type type: (type_identifier) @name)
    (reference_type type: (scoped_type_identifier name: (type_identifier) @name))
    (reference_type type: (generic_type type: (type_identifier) @name))
    (reference_type type: (generic_type type: (scoped_type_identifier name: (type_identifier) @name)))
  ]) @definition.scope

(field_declaration name: (field_identifier) @name) @named.field
(enum_variant name: (identifier) @name) @named.constant
(mod_item name: (identifier) @name) @named.module
(associated_type name: (type_identifier) @name) @named.type
(macro_invocation (token_tree "static" . (identifier) . (identifier) @name . ":")) @named.constant
(macro_invocation (token_tree "static" . (identifier) @name . ":")) @named.constant
