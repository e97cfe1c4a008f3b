(from_instruction as: (image_alias) @name) @definition.target

(arg_instruction (arg_pair name: (_) @name) @named.variable)
(env_instruction (env_pair name: (_) @name) @named.variable)
