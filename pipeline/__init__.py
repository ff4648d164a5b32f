"""First-party code that every function ships: contract, steps, errors, storage, accounting."""
