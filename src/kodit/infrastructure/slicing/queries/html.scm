; Nothing in a page is defined; scripts and style sheets are kept apart from the markup.
(script_element) @definition.scope
(style_element) @definition.scope
