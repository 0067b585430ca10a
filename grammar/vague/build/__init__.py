"""From the trees of the grammar to the AST, list by list, whatever is wrong in between."""
