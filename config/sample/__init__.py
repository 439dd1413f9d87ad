"""Made-up people and answers, for the demonstration, for volume tests and for benchmarks. Never in production."""
