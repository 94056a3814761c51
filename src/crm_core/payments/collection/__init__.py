"""Collection: a household's arrears are asked for, step by step of a ladder (PAY-10, PAY-11)."""
