(command name: (command_name (word) @call))
(command name: (command_name (word) @sourcing @namespace @declares) argument: (_) @module)
(variable_assignment name: (variable_name) @write)
(command name: (command_name (word) @running) . argument: (word) @call)
