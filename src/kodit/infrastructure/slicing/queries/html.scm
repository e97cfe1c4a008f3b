; No symbols: scripts and style sheets are separated from the markup.
(script_element) @definition.scope
(style_element) @definition.scope
