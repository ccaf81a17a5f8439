"""Speed of packaging, measured: `lambent build` against what one types without it. `scripts/bench package` runs it."""
