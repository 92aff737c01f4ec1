"""What a node was written against: its author's ``.proto`` and ``.schema.json`` files, and what identifies the types in them."""
