"""A run over several workers: the messages, and the two ends that send and handle them."""
