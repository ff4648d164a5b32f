"""The five stages of the pipeline, one Lambda function each."""

from pipeline.start import prepare_imports

prepare_imports()
