"""Workers, futures and the CPUs they may use. Knows nothing of OCR."""
