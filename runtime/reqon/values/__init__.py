"""Values and expressions: compiled once per plan, pure and synchronous."""
