"""What tables and indexes bear: units, throttling, partitions, growth on demand, and plans for them."""
