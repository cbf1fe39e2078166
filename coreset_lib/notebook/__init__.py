"""What a notebook sees: the functions of ``import coreset_lib as cl`` and what they return."""
