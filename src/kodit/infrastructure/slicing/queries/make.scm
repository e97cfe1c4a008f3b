(rule (targets (word) @name) (recipe)) @definition.target
(define_directive name: (word) @name) @definition.macro

(rule (targets (word) @name) @named.target)
(variable_assignment name: (word) @name) @named.variable
