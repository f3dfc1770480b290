"""What numbers mean: judgements over sums, without I/O."""
