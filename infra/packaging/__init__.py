"""What the functions carry: assets, layers, bytecode, sizes."""
