"""What makes the output queryable: tables and their partitions."""
