(block (identifier) @keyword.one . (string_lit (template_literal) @name) . (block_start)) @definition.keyword
(block (identifier) @keyword.two . (string_lit (template_literal) @scope)
  . (string_lit (template_literal) @name) . (block_start)) @definition.keyword
(body (block . (identifier) @keyword.none . (block_start)
  (body (attribute (identifier) @name) @named.keyword)))
