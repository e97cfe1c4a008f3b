(statement (create_table (object_reference) @name)) @definition.table
(statement
  (create_view [(keyword_view) (keyword_exists)] . (object_reference) @name)) @definition.view
(statement (create_materialized_view (object_reference) @name)) @definition.view
(statement (create_type (object_reference) @name)) @definition.type
(statement (create_function (object_reference) @name)) @definition.function
(statement (create_trigger (object_reference) @name)) @definition.trigger

(column_definition name: (_) @name) @named.field
(create_type (enum_elements (literal) @name @named.constant))
; Parameters without brackets are read as a part of the name.
(statement
  (create_procedure (object_reference . (identifier) . (identifier)? .) @name)) @named.procedure
