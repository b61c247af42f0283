"""A sweep's jobs in one process, those that can be stacked trained together (``hydra/launcher=stacked``)."""
