"""The five stages of the pipeline, one Lambda function each."""
