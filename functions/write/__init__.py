"""Stage 5: write the output files and commit the run."""
