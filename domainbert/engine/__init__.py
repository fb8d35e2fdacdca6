"""Training: order, packing, loss, checkpoints."""
