"""What executions cost, and what more of them would."""
