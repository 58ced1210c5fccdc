"""Aggregation of Theano variables over batches."""
