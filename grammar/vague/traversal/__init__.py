"""The one walk over a program that knows, at every node, what names and `.name` mean there."""
