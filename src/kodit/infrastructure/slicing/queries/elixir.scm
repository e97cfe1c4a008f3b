(call
  target: (identifier) @keyword
  (arguments
    .
    [
      (alias) @name
      (identifier) @name
      (call target: (identifier) @name)
      (binary_operator left: (identifier) @name operator: ["when" "\\\\" "::"])
      (binary_operator left: (call target: (identifier) @name) operator: ["when" "\\\\" "::"])
      (binary_operator operator: ["+" "-" "*" "/" "**" "++" "--" "+++" "---" ".." "<>" "|>" "<<<" ">>>" "<<~" "~>>" "<~" "~>" "<~>" "<|>" "==" "!=" "=~" "===" "!==" "<" ">" "<=" ">=" "&&" "&&&" "||" "|||" "^^^" "in" "and" "or" "//"] @name)
      (binary_operator
        left: (binary_operator operator: ["+" "-" "*" "/" "**" "++" "--" "+++" "---" ".." "<>" "|>" "<<<" ">>>" "<<~" "~>>" "<~" "~>" "<~>" "<|>" "==" "!=" "=~" "===" "!==" "<" ">" "<=" ">=" "&&" "&&&" "||" "|||" "^^^" "in" "and" "or" "//"] @name)
        operator: "when")
      (unary_operator operator: ["+" "-" "!" "^" "~~~"] @name)
    ])) @definition.keyword

(unary_operator
  operand: (call
    target: (identifier) @keyword.attribute
    (arguments
      . (binary_operator
        left: [
          (identifier) @name
          (call target: (identifier) @name)
          (binary_operator left: [(identifier) @name (call target: (identifier) @name)])
        ])))) @named.keyword
(unary_operator operand: (call target: (identifier) @name (arguments))) @named.constant
(call
  target: (identifier) @keyword.fields
  (arguments [
    (list (atom) @name)
    (list (keywords (pair key: (keyword) @name)))
    (keywords (pair key: (keyword) @name))
  ])) @named.keyword
(call target: (identifier) @keyword.atom (arguments . (atom) @name)) @named.keyword
(call
  target: (identifier) @keyword.string
  (arguments . (string (quoted_content) @name))) @named.keyword
