"""Side-by-side benchmarks: each row of docs/performance.md is a ratio to a limit or a peer taken in the same run."""
