"""The compiled engine: one kernel in machine code, made of the functions that `nn` and `optim` define."""
