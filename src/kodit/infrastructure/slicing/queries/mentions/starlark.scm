(call function: (identifier) @loading arguments: (argument_list . (string) @module (string) @import))
(call function: (identifier) @loading arguments: (argument_list . (string) @module (keyword_argument name: (identifier) @alias value: (string) @import)))
(call function: (_) @call)
(assignment left: (identifier) @alias right: (call) @value)
