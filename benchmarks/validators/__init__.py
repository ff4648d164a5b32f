"""What checks a file against a contract: each leaves accepted rows typed, and rejected ones raw."""
