"""One module for each kind of node, as scripts import them."""
