(statement (create_table (object_reference) @name)) @definition.struct
(statement (create_view (object_reference) @name)) @definition.type
(statement (create_materialized_view (object_reference) @name)) @definition.type
(statement (create_type (object_reference) @name)) @definition.type
(statement (create_function (object_reference) @name)) @definition.function
(statement (create_trigger (object_reference) @name)) @definition.function
