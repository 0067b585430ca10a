"""From the parse tree to the AST; with `peg`, the only code that knows Parsimonious."""
